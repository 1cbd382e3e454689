// Arithmetic: what a network does with each number by itself, and with pairs of them.

const eachNumber =
  (work) =>
  ({ shape, data }, layer) => ({ shape, data: data.map((value) => work(value, layer)) });

/** Pairs of numbers; a side of one pixel is taken again and again, as NumPy does. */
const eachPair = (work) => (left, right) => {
  const [a, b] = [left, right].map(({ shape }) => [1, 1, 1, ...shape].slice(-3));
  const sides = a.map((side, i) => Math.max(side, b[i]));
  const result = new Float32Array(sides[0] * sides[1] * sides[2]);
  const place = (shape, c, y, x) => {
    const at = (side, i) => (shape[i] === 1 ? 0 : side);
    return (at(c, 0) * shape[1] + at(y, 1)) * shape[2] + at(x, 2);
  };
  for (let c = 0, i = 0; c < sides[0]; c++) {
    for (let y = 0; y < sides[1]; y++) {
      for (let x = 0; x < sides[2]; x++, i++) {
        result[i] = work(left.data[place(a, c, y, x)], right.data[place(b, c, y, x)]);
      }
    }
  }
  const dimensions = Math.max(left.shape.length, right.shape.length);
  return { shape: sides.slice(3 - dimensions), data: result };
};

/** Numbers with those of their channel. */
const eachChannel = (work) => ({ shape, data }, layer, learnt) => {
  const area = data.length / shape[0], numbers = work(layer, learnt);
  return { shape, data: data.map((value, i) => numbers(value, Math.floor(i / area))) };
};

const sigmoid = (value) => 1 / (1 + Math.exp(-value));
const softplus = (value) => Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value)));
const elu = (value, alpha) => (value > 0 ? value : alpha * Math.expm1(value));
const hardSigmoid = (value, { alpha, beta }) => Math.min(1, Math.max(0, alpha * value + beta));

/** The error function, to 1.2e-7: Numerical Recipes' (Press and others, 1992, section 6.2). */
function erf(x) {
  const t = 1 / (1 + 0.5 * Math.abs(x));
  const terms = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418,
    0.37409196, 1.00002368,
  ];
  const sum = terms.reduce((total, term) => total * t + term, 0);
  const tail = t * Math.exp(-x * x - 1.26551223 + t * sum);
  return x >= 0 ? 1 - tail : tail - 1;
}

function gelu(x, { tanh }) {
  return (
    0.5 *
    x *
    (1 + (tanh ? Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)) : erf(x / Math.SQRT2)))
  );
}

function softmax({ shape, data }, { log }) {
  const highest = Math.max(...data), powers = data.map((value) => Math.exp(value - highest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const result = log
    ? data.map((value) => value - highest - Math.log(total))
    : powers.map((power) => power / total);
  return { shape, data: result };
}

export const ARITHMETIC = {
  add: eachPair((left, right) => left + right),
  subtract: eachPair((left, right) => left - right),
  multiply: eachPair((left, right) => left * right),
  divide: eachPair((left, right) => left / right),
  floor: eachNumber(Math.floor),
  abs: eachNumber(Math.abs),
  exp: eachNumber(Math.exp),
  log: eachNumber(Math.log),
  sqrt: eachNumber(Math.sqrt),
  erf: eachNumber(erf),
  negate: eachNumber((value) => -value),
  clip: eachNumber((value, { low, high }) => Math.min(high, Math.max(low, value))),
  relu: eachNumber((value) => (value > 0 ? value : 0)),
  leaky_relu: eachNumber((value, { alpha }) => (value > 0 ? value : alpha * value)),
  prelu: eachChannel(({ slope }, learnt) => {
    const slopes = learnt(slope);
    return (value, channel) =>
      value > 0 ? value : value * slopes[slopes.length > 1 ? channel : 0];
  }),
  scale_and_shift: eachChannel(({ by, to }, learnt) => {
    const factors = learnt(by), shifts = learnt(to);
    return (value, channel) => value * factors[channel] + shifts[channel];
  }),
  elu: eachNumber((value, { alpha }) => elu(value, alpha)),
  celu: eachNumber((value, { alpha }) => (value > 0 ? value : alpha * Math.expm1(value / alpha))),
  selu: eachNumber((value, { alpha, gamma }) => gamma * elu(value, alpha)),
  sigmoid: eachNumber(sigmoid),
  hard_sigmoid: eachNumber(hardSigmoid),
  hard_swish: eachNumber((value) => value * hardSigmoid(value, { alpha: 1 / 6, beta: 0.5 })),
  tanh: eachNumber(Math.tanh),
  gelu: eachNumber(gelu),
  mish: eachNumber((value) => value * Math.tanh(softplus(value))),
  softplus: eachNumber(softplus),
  softsign: eachNumber((value) => value / (1 + Math.abs(value))),
  softmax,
};
