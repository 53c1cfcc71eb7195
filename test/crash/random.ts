/** Randomness from one number, so that a run can be repeated (mulberry32). */
export interface Random {
  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number
  shuffle<T>(items: readonly T[]): T[]
}

export function randomOf(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number) => Math.floor(next() * end)
  return {
    below,
    shuffle: (items) => {
      const rest = [...items]
      for (let i = rest.length - 1; i > 0; i--) {
        const j = below(i + 1)
        const [one, other] = [rest[i], rest[j]]
        if (one !== undefined && other !== undefined) [rest[i], rest[j]] = [other, one]
      }
      return rest
    },
  }
}
