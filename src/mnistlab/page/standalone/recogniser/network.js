// Network: the layers of a trained model, one after the other, on one image.

/**
 * Numbers between layers.
 * @typedef {object} Block
 * @property {number[]} shape channels, height and width; or one number, once flattened
 * @property {Float32Array} data
 */

/**
 * A model: what `mnistlab export --web` found in the run's ONNX graph.
 * @typedef {object} Model
 * @property {[number, number]} image height and width of the images
 * @property {object[]} layers each with its `kind`, a key of `LAYERS` below, and what that takes; numbers that were learnt
 *   are `{start, shape}`, a place in `weights`
 * @property {Float32Array} weights
 * @property {number} temperature divides the logits before they become probabilities
 * @property {string[]} classes names of the outputs, in order; the last may be `none`
 */

export const NONE = "none";
const TYPICAL_LOGIT = 15;

export class Network {
  /** @param {Model} model @param {object} about what the file says of itself */
  constructor(model, about = {}) {
    this.model = model;
    // Double, as sums are: single would be converted again and again.
    this.weights = Float64Array.from(model.weights);
    this.about = about;
    this.tellsNone = model.classes.includes(NONE);
  }

  /** The highest logit of a typical image; `null` if the network itself tells what is none of the classes. */
  get typicalLogit() {
    return this.tellsNone ? null : (this.about.typical_logit ?? TYPICAL_LOGIT);
  }

  /** Logits of one image, bytes row by row, light on black. */
  logits(pixels) {
    const { image, layers } = this.model;
    const learnt = ({ start, shape }) => this.weights.subarray(start, start + shape.reduce((size, side) => size * side, 1));
    let block = { shape: [1, ...image], data: Float32Array.from(pixels) };
    for (const layer of layers) block = LAYERS[layer.kind](block, layer, learnt);
    return block.data;
  }

  /** Calibrated probabilities of one image. */
  probabilities(pixels) {
    const scaled = Array.from(this.logits(pixels), (logit) => logit / this.model.temperature);
    const highest = Math.max(...scaled), powers = scaled.map((logit) => Math.exp(logit - highest));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => power / total);
  }

  /** Probabilities of the classes without `none`; where there is one, they sum to less than 1. */
  named(pixels) {
    const all = this.probabilities(pixels);
    return this.tellsNone ? all.slice(0, -1) : all;
  }
}

const eachNumber = (work) => ({ shape, data }, layer) => ({ shape, data: data.map((value) => work(value, layer)) });

const LAYERS = {
  add: eachNumber((value, { by }) => value + by),
  subtract: eachNumber((value, { by }) => value - by),
  multiply: eachNumber((value, { by }) => value * by),
  divide: eachNumber((value, { by }) => value / by),
  floor: eachNumber(Math.floor),
  clip: eachNumber((value, { low, high }) => Math.min(high, Math.max(low, value))),
  relu: eachNumber((value) => (value > 0 ? value : 0)),
  flatten: ({ data }) => ({ shape: [data.length], data }),
  pad,
  across,
  down,
  convolution,
  maximum,
  average,
  linear,
};

/** Put `value` around each channel: `top`, `left`, `bottom` and `right` pixels of it. */
function pad({ shape: [channels, height, width], data }, { top, left, bottom, right, value }) {
  const tall = height + top + bottom, wide = width + left + right;
  const result = new Float32Array(channels * tall * wide).fill(value);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const start = (c * height + y) * width;
      result.set(data.subarray(start, start + width), (c * tall + y + top) * wide + left);
    }
  }
  return { shape: [channels, tall, wide], data: result };
}

/** Rows times a matrix: of pixels beside each other new ones are made. */
function across({ shape: [channels, height, width], data }, { matrix }, learnt) {
  const weights = learnt(matrix), wide = matrix.shape[1], result = new Float32Array(channels * height * wide);
  for (let row = 0; row < channels * height; row++) {
    for (let x = 0; x < wide; x++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += data[row * width + k] * weights[k * wide + x];
      result[row * wide + x] = sum;
    }
  }
  return { shape: [channels, height, wide], data: result };
}

/** A matrix times columns: of pixels above each other new ones are made. */
function down({ shape: [channels, height, width], data }, { matrix }, learnt) {
  const weights = learnt(matrix), tall = matrix.shape[0], result = new Float32Array(channels * tall * width);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < tall; y++) {
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let k = 0; k < height; k++) sum += weights[y * height + k] * data[(c * height + k) * width + x];
        result[(c * tall + y) * width + x] = sum;
      }
    }
  }
  return { shape: [channels, tall, width], data: result };
}

/** Slide kernels over channels without padding; `weight` is of outputs × channels × rows × columns. */
function convolution({ shape: [channels, height, width], data }, { weight, bias, stride }, learnt) {
  const [outputs, , rows, columns] = weight.shape, kernels = learnt(weight), biases = bias && learnt(bias);
  const tall = Math.floor((height - rows) / stride[0]) + 1, wide = Math.floor((width - columns) / stride[1]) + 1;
  const size = channels * rows * columns, seen = new Float64Array(size), area = tall * wide;
  const result = new Float32Array(outputs * area);
  for (let place = 0; place < area; place++) {
    const x = place % wide, y = (place - x) / wide;
    for (let c = 0, i = 0; c < channels; c++) {
      for (let dy = 0; dy < rows; dy++) {
        const start = (c * height + y * stride[0] + dy) * width + x * stride[1];
        for (let dx = 0; dx < columns; dx++, i++) seen[i] = data[start + dx];
      }
    }
    products(seen, kernels, outputs, (output, sum) => {
      result[output * area + place] = sum + (biases ? biases[output] : 0);
    });
  }
  return { shape: [outputs, tall, wide], data: result };
}

/** Sums of products with each row of weights; four rows at a time, since a sum has to wait for itself. */
function products(numbers, weights, rows, take) {
  const size = numbers.length;
  let row = 0;
  for (; row + 3 < rows; row += 4) {
    let a = 0, b = 0, c = 0, d = 0;
    for (let i = 0, k = row * size; i < size; i++, k++) {
      const number = numbers[i];
      a += number * weights[k];
      b += number * weights[k + size];
      c += number * weights[k + 2 * size];
      d += number * weights[k + 3 * size];
    }
    take(row, a);
    take(row + 1, b);
    take(row + 2, c);
    take(row + 3, d);
  }
  for (; row < rows; row++) {
    let sum = 0;
    for (let i = 0, k = row * size; i < size; i++, k++) sum += numbers[i] * weights[k];
    take(row, sum);
  }
}

/** The greatest number of each `size` window, `stride` apart. */
function maximum({ shape: [channels, height, width], data }, { size, stride }) {
  const tall = Math.floor((height - size[0]) / stride[0]) + 1, wide = Math.floor((width - size[1]) / stride[1]) + 1;
  const result = new Float32Array(channels * tall * wide);
  for (let c = 0, i = 0; c < channels; c++) {
    for (let y = 0; y < tall; y++) {
      for (let x = 0; x < wide; x++, i++) {
        let most = -Infinity;
        for (let dy = 0; dy < size[0]; dy++) {
          for (let dx = 0; dx < size[1]; dx++) {
            const value = data[(c * height + y * stride[0] + dy) * width + x * stride[1] + dx];
            if (value > most) most = value;
          }
        }
        result[i] = most;
      }
    }
  }
  return { shape: [channels, tall, wide], data: result };
}

/** The mean of each channel. */
function average({ shape: [channels, height, width], data }) {
  const size = height * width;
  const result = Float32Array.from({ length: channels }, (_, c) => {
    let sum = 0;
    for (let i = c * size; i < (c + 1) * size; i++) sum += data[i];
    return sum / size;
  });
  return { shape: [channels, 1, 1], data: result };
}

/** Weighted sums of all numbers; `weight` is of outputs × inputs. */
function linear({ data }, { weight, bias }, learnt) {
  const [outputs] = weight.shape, weights = learnt(weight), biases = bias && learnt(bias);
  const result = new Float32Array(outputs);
  products(Float64Array.from(data), weights, outputs, (output, sum) => {
    result[output] = sum + (biases ? biases[output] : 0);
  });
  return { shape: [outputs], data: result };
}
