/** Row locks of a simulated database: first come, first served; whoever would wait in a circle is sent back. */
import { StoreFault } from '../../src/ledger/postgres/store.ts'

/** Whoever holds locks. */
export interface Holder {
  readonly locks: Set<string>
}

interface Waiter {
  readonly holder: Holder
  readonly granted: () => void
  readonly refused: (fault: StoreFault) => void
}

export class RowLocks {
  readonly #owners = new Map<string, Holder>()
  readonly #queues = new Map<string, Waiter[]>()
  readonly #waiting = new Map<Holder, string>()

  /** Resolves when the lock is had. @throws StoreFault `retry` on a deadlock, or when the holder is ended meanwhile. */
  async acquire(holder: Holder, name: string): Promise<void> {
    const owner = this.#owners.get(name)
    if (owner === holder) return
    if (!owner) {
      this.#own(holder, name)
      return
    }
    if (this.#leadsTo(owner, holder)) throw new StoreFault('retry', 'deadlock detected')
    this.#waiting.set(holder, name)
    await new Promise<void>((granted, refused) => {
      const queue = this.#queues.get(name) ?? []
      this.#queues.set(name, [...queue, { holder, granted, refused }])
    })
  }

  free(name: string): boolean {
    return !this.#owners.has(name)
  }

  /** Lets go of everything, and of waiting. */
  release(holder: Holder): void {
    const awaited = this.#waiting.get(holder)
    if (awaited !== undefined) this.#leave(holder, awaited)
    for (const name of holder.locks) {
      this.#owners.delete(name)
      this.#next(name)
    }
    holder.locks.clear()
  }

  #own(holder: Holder, name: string): void {
    this.#owners.set(name, holder)
    holder.locks.add(name)
  }

  #next(name: string): void {
    const [first, ...rest] = this.#queues.get(name) ?? []
    if (!first) return
    this.#queues.set(name, rest)
    this.#waiting.delete(first.holder)
    this.#own(first.holder, name)
    first.granted()
  }

  #leave(holder: Holder, name: string): void {
    this.#waiting.delete(holder)
    const queue = this.#queues.get(name) ?? []
    const waiter = queue.find((one) => one.holder === holder)
    this.#queues.set(
      name,
      queue.filter((one) => one !== waiter),
    )
    waiter?.refused(new StoreFault('retry', 'the transaction was ended'))
  }

  #leadsTo(from: Holder, to: Holder): boolean {
    let at: Holder | undefined = from
    while (at) {
      if (at === to) return true
      const name: string | undefined = this.#waiting.get(at)
      at = name === undefined ? undefined : this.#owners.get(name)
    }
    return false
  }
}
