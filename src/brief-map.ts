/**
 * A map for what comes and goes: requests under way, rows being worked on. Keys are strings, the order
 * is that of insertion.
 *
 * V8's own Map and Set link each table that they have outgrown to the next one, and a table keeps what stood in it when
 * it was outgrown. Once one of them has lived long enough to be old, the collector of young objects takes everything
 * that passes through for reachable from it: all of it is copied twice and stays until the next full collection.
 * Here only numbers pass through V8's table; the values stand in an array, and leave it when they are deleted.
 */
export class BriefMap<Value> {
  readonly #slots = new Map<string, number>()
  readonly #free: number[] = []
  #values: (Value | undefined)[] = []

  get size(): number {
    return this.#slots.size
  }

  has(key: string): boolean {
    return this.#slots.has(key)
  }

  get(key: string): Value | undefined {
    const slot = this.#slots.get(key)
    return slot === undefined ? undefined : this.#values[slot]
  }

  set(key: string, value: Value): this {
    const slot = this.#slots.get(key) ?? this.#take(key)
    this.#values[slot] = value
    return this
  }

  /** Whether it was there. */
  delete(key: string): boolean {
    const slot = this.#slots.get(key)
    if (slot === undefined) return false
    this.#slots.delete(key)
    this.#values[slot] = undefined
    this.#free.push(slot)
    return true
  }

  clear(): void {
    this.#slots.clear()
    this.#values = []
    this.#free.length = 0
  }

  /** A copy: what is set or deleted while somebody goes through it changes nothing of it. */
  values(): Value[] {
    const all: Value[] = []
    for (const slot of this.#slots.values()) {
      const value = this.#values[slot]
      if (value !== undefined) all.push(value)
    }
    return all
  }

  #take(key: string): number {
    const slot = this.#free.pop() ?? this.#values.length
    this.#slots.set(key, slot)
    return slot
  }
}
