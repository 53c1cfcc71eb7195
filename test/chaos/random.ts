/** Chance from a seed: the same seed and stream give the same numbers on every machine. */

/** Each thing of a plan draws from a stream of its own, so that leaving one out changes nothing for the others. */
export class Random {
  #a: number
  #b: number
  #c: number
  #d = 1

  constructor(seed: number, stream = 0) {
    this.#a = mixed(seed)
    this.#b = mixed(seed ^ 0x9e3779b9) ^ mixed(stream + 0x51ed270b)
    this.#c = mixed(stream)
    for (let i = 0; i < 8; i++) this.next()
  }

  /** In [0, 1). The generator is sfc32. */
  next(): number {
    const sum = (this.#a + this.#b + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return (sum >>> 0) / 0x1_0000_0000
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  /** In [low, high). */
  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  /** In [low, high), each order of magnitude as likely as any other. */
  spread(low: number, high: number): number {
    return low * (high / low) ** this.next()
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] ?? list[0]
  }
}

function mixed(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16) || 0x2545f491
}
