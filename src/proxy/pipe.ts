/**
 * A connection that never leaves the process, for whoever speaks HTTP to the proxy without a socket. It ends as TCP does:
 * an end that is destroyed while something is unread or unsent is a reset to the other one, and any other is a goodbye.
 */
import { Duplex } from 'node:stream'

/** Its two ends. What is written to one is read from the other, and waits while nobody reads. */
export function pipe(): readonly [Duplex, Duplex] {
  const [near, far] = [new End(), new End()]
  near.meet(far)
  far.meet(near)
  return [near, far]
}

type Done = (fault?: Error | null) => void

class End extends Duplex {
  #other: End | undefined
  /** A writer of the other end that waits for a reader here. */
  #waiting: Done | undefined

  meet(other: End): void {
    this.#other = other
  }

  override _read(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    const other = this.#other
    if (!other || other.destroyed) done(reset())
    else other.#take(chunk, done)
  }

  override _final(done: Done): void {
    if (this.#other?.destroyed === false) this.#other.push(null)
    done()
  }

  override _destroy(fault: Error | null, done: Done): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    const other = this.#other
    const isAbrupt = waiting !== undefined || this.readableLength > 0 || this.writableLength > 0
    done(fault)
    waiting?.(reset())
    if (!other || other.destroyed) return
    if (isAbrupt) other.destroy(reset())
    else if (!other.readableEnded) other.push(null)
  }

  #take(chunk: Buffer, done: Done): void {
    if (this.push(chunk)) done()
    else this.#waiting = done
  }
}

function reset(): Error {
  return Object.assign(new Error('The other end of the connection has gone.'), { code: 'ECONNRESET' })
}
