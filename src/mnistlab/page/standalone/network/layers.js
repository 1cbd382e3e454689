// Layers: what a network does with channels of pixels. `Block` is network.js's.

/**
 * Put `value` around each channel: `top`, `left`, `bottom` and `right` pixels of it; negative ones
 * are cut off.
 */
function pad({ shape: [channels, height, width], data }, { top, left, bottom, right, value }) {
  const tall = height + top + bottom, wide = width + left + right;
  const result = new Float32Array(channels * tall * wide).fill(value);
  const first = Math.max(0, -left), last = width + Math.min(0, right);
  for (let c = 0; c < channels; c++) {
    for (let y = Math.max(0, -top); y < height + Math.min(0, bottom); y++) {
      const start = (c * height + y) * width;
      const row = data.subarray(start + first, start + last);
      result.set(row, (c * tall + y + top) * wide + left + first);
    }
  }
  return { shape: [channels, tall, wide], data: result };
}

/** Rows times a matrix: of pixels beside each other new ones are made. */
function across({ shape, data }, { matrix }, learnt) {
  const weights = learnt(matrix), wide = matrix.shape[1];
  const width = shape.at(-1), rows = data.length / width;
  const result = new Float32Array(rows * wide);
  for (let row = 0; row < rows; row++) {
    for (let x = 0; x < wide; x++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += data[row * width + k] * weights[k * wide + x];
      result[row * wide + x] = sum;
    }
  }
  return { shape: [...shape.slice(0, -1), wide], data: result };
}

/** A matrix times columns: of pixels above each other new ones are made. */
function down({ shape: [channels, height, width], data }, { matrix }, learnt) {
  const weights = learnt(matrix), tall = matrix.shape[0];
  const result = new Float32Array(channels * tall * width);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < tall; y++) {
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let k = 0; k < height; k++) {
          sum += weights[y * height + k] * data[(c * height + k) * width + x];
        }
        result[(c * tall + y) * width + x] = sum;
      }
    }
  }
  return { shape: [channels, tall, width], data: result };
}

/** Slide kernels over channels; `weight` is of outputs × channels of a group × rows × columns. */
function convolution(
  { shape: [channels, height, width], data },
  { weight, bias, stride, dilation, groups },
  learnt,
) {
  const [outputs, each, rows, columns] = weight.shape;
  const kernels = learnt(weight), biases = bias && learnt(bias);
  const tall = Math.floor((height - dilation[0] * (rows - 1) - 1) / stride[0]) + 1;
  const wide = Math.floor((width - dilation[1] * (columns - 1) - 1) / stride[1]) + 1;
  const size = each * rows * columns, seen = new Float64Array(size);
  const area = tall * wide, made = outputs / groups;
  const result = new Float32Array(outputs * area);
  for (let group = 0; group < groups; group++) {
    const own = kernels.subarray(group * made * size, (group + 1) * made * size);
    const before = group * made;
    for (let place = 0; place < area; place++) {
      const x = (place % wide) * stride[1], y = Math.floor(place / wide) * stride[0];
      for (let c = group * each, i = 0; c < (group + 1) * each; c++) {
        for (let dy = 0; dy < rows; dy++) {
          const start = (c * height + y + dy * dilation[0]) * width + x;
          for (let dx = 0; dx < columns; dx++, i++) seen[i] = data[start + dx * dilation[1]];
        }
      }
      products(seen, own, made, (output, sum) => {
        result[(before + output) * area + place] = sum + (biases ? biases[before + output] : 0);
      });
    }
  }
  return { shape: [outputs, tall, wide], data: result };
}

/**
 * Sums of products with each row of weights; four rows at a time, since a sum has to wait for
 * itself.
 */
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

/**
 * Of each `size` window, `stride` apart, one number; with `ceil` also of the last ones, which are
 * cut off.
 */
const windows = (work) => ({ shape: [channels, height, width], data }, { size, stride, ceil }) => {
  const round = ceil ? Math.ceil : Math.floor;
  const tall = round((height - size[0]) / stride[0]) + 1;
  const wide = round((width - size[1]) / stride[1]) + 1;
  const result = new Float32Array(channels * tall * wide);
  for (let c = 0, i = 0; c < channels; c++) {
    for (let y = 0; y < tall; y++) {
      const bottom = Math.min(height, y * stride[0] + size[0]);
      for (let x = 0; x < wide; x++, i++) {
        const right = Math.min(width, x * stride[1] + size[1]);
        result[i] = work(data, c * height, width, y * stride[0], bottom, x * stride[1], right);
      }
    }
  }
  return { shape: [channels, tall, wide], data: result };
};

function greatest(data, rows, width, top, bottom, left, right) {
  let most = -Infinity;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) most = Math.max(most, data[(rows + y) * width + x]);
  }
  return most;
}

function meanOf(data, rows, width, top, bottom, left, right) {
  let sum = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) sum += data[(rows + y) * width + x];
  }
  return sum / ((bottom - top) * (right - left));
}

/** One number of each whole channel; `flat` leaves only those. */
const whole = (work) => ({ shape: [channels, height, width], data }, { flat }) => {
  const one = (_, c) => work(data, c * height, width, 0, height, 0, width);
  const made = Float32Array.from({ length: channels }, one);
  return { shape: flat ? [channels] : [channels, 1, 1], data: made };
};

/** Some of the channels. */
function channels({ shape: [all, ...sides], data }, { start, end }) {
  const area = data.length / all, last = Math.min(end, all);
  return { shape: [last - start, ...sides], data: data.slice(start * area, last * area) };
}

/** Channels of several, one after the other. */
function concat(...given) {
  const blocks = given.slice(0, -2);
  const result = new Float32Array(blocks.reduce((size, { data }) => size + data.length, 0));
  let at = 0;
  for (const { data } of blocks) {
    result.set(data, at);
    at += data.length;
  }
  const [, ...sides] = blocks[0].shape;
  return { shape: [blocks.reduce((sum, { shape }) => sum + shape[0], 0), ...sides], data: result };
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

export const LAYERS = {
  pad,
  across,
  down,
  convolution,
  maximum: windows(greatest),
  mean: windows(meanOf),
  average: whole(meanOf),
  highest: whole(greatest),
  channels,
  concat,
  flatten: ({ data }) => ({ shape: [data.length], data }),
  linear,
};
