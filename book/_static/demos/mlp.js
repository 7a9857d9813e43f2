// A multilayer perceptron for two classes, by hand: forward, backward, step. Rows are examples, as
// in the chapter; matrices are flat Float64Arrays, row after row.

// Each activation's value, and its slope in terms of that value.
const ACTIVATIONS = {
  relu: [(u) => (u > 0 ? u : 0), (h) => (h > 0 ? 1 : 0)],
  tanh: [Math.tanh, (h) => 1 - h * h],
  sigmoid: [(u) => 0.5 * (1 + Math.tanh(0.5 * u)), (h) => h * (1 - h)],
  linear: [(u) => u, () => 1],
};

// Random numbers that a seed repeats: () => one of the standard normal distribution. The uniform
// ones are Park and Miller's (1988) x -> 48271 x mod 2^31 - 1, the pairs Box and Muller's (1958).
export function normals(seed) {
  let state = (seed * 7919 + 12345) % 2147483647;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  for (let skipped = 0; skipped < 8; skipped += 1) uniform(); // near seeds start alike
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

export class MLP {
  // sizes: [inputs, width of each hidden layer ..., 1]
  constructor(sizes, activation, seed) {
    [this.value, this.slope] = ACTIVATIONS[activation];
    const normal = normals(seed);
    const gain = activation === "relu" ? Math.SQRT2 : 1;
    this.layers = sizes.slice(1).map((outputs, index) => {
      const inputs = sizes[index];
      const last = index === sizes.length - 2;
      // The sums start about as large as the inputs; half of ReLU's are cut off, so they get more.
      const scale = (last ? 1 : gain) / Math.sqrt(inputs);
      const W = Float64Array.from({ length: inputs * outputs }, () => scale * normal());
      const b = new Float64Array(outputs);
      return { inputs, outputs, last, W, b, dW: W.slice(), db: b.slice() };
    });
  }

  get size() {
    return this.layers.reduce((sum, { W, b }) => sum + W.length + b.length, 0);
  }

  // All parameters in one array: W and b of the first layer, of the second, and so on.
  get parameters() {
    const flat = new Float64Array(this.size);
    let at = 0;
    for (const { W, b } of this.layers) {
      flat.set(W, at);
      flat.set(b, at + W.length);
      at += W.length + b.length;
    }
    return flat;
  }

  set parameters(flat) {
    let at = 0;
    for (const { W, b } of this.layers) {
      for (const part of [W, b]) {
        for (let index = 0; index < part.length; index += 1) part[index] = flat[at++];
      }
    }
  }

  // The values of every layer for n examples; the last ones are the logits. `cache` may hold those
  // of an earlier call with as many examples: they are overwritten, so no memory is asked for.
  forward(X, n, cache = this.layers.map(({ outputs }) => new Float64Array(n * outputs))) {
    let input = X;
    this.layers.forEach(({ inputs, outputs, last, W, b }, index) => {
      const output = cache[index];
      for (let i = 0; i < n; i += 1) {
        for (let j = 0; j < outputs; j += 1) {
          let u = b[j];
          for (let k = 0; k < inputs; k += 1) u += input[i * inputs + k] * W[k * outputs + j];
          output[i * outputs + j] = last ? u : this.value(u);
        }
      }
      input = output;
    });
    return cache;
  }

  // The gradients of the mean binary cross-entropy, into dW and db of each layer.
  backward(X, y, cache) {
    const n = y.length;
    let delta = cache.at(-1).map((z, i) => (0.5 * (1 + Math.tanh(0.5 * z)) - y[i]) / n);
    for (let index = this.layers.length - 1; index >= 0; index -= 1) {
      const { inputs, outputs, W, dW, db } = this.layers[index];
      const input = index ? cache[index - 1] : X;
      const below = new Float64Array(n * inputs);
      dW.fill(0);
      db.fill(0);
      for (let i = 0; i < n; i += 1) {
        const row = i * outputs;
        for (let j = 0; j < outputs; j += 1) db[j] += delta[row + j];
        for (let k = 0; k < inputs; k += 1) {
          const h = input[i * inputs + k];
          let back = 0;
          for (let j = 0; j < outputs; j += 1) {
            dW[k * outputs + j] += h * delta[row + j];
            back += delta[row + j] * W[k * outputs + j];
          }
          if (index) below[i * inputs + k] = back * this.slope(h);
        }
      }
      delta = below;
    }
  }

  step(rate) {
    for (const { W, b, dW, db } of this.layers) {
      for (let index = 0; index < W.length; index += 1) W[index] -= rate * dW[index];
      for (let index = 0; index < b.length; index += 1) b[index] -= rate * db[index];
    }
  }
}

// The mean binary cross-entropy of logits, in the form that cannot overflow, and the accuracy.
export function score(logits, y) {
  let [loss, right] = [0, 0];
  for (let i = 0; i < y.length; i += 1) {
    const z = logits[i];
    loss += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - y[i] * z;
    right += z > 0 === (y[i] === 1);
  }
  return { loss: loss / y.length, accuracy: right / y.length };
}
