// Numbers that several demos need.

// The softmax of scores at a temperature; the largest score is subtracted before the exponential.
export function softmax(scores, temperature = 1) {
  const highest = Math.max(...scores);
  const powers = Array.from(scores, (score) => Math.exp((score - highest) / temperature));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

// A source of numbers in [0, 1), the same for the same seed: the generator Mulberry32.
export function uniform(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
