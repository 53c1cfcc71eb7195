/** Disks that a test has in its hand, in place of the one that a ledger's log is put on. */
import { fdatasync } from 'node:fs'
import type { Flush } from '../../src/ledger/sqlite/write-ahead-log.ts'

/** Done at once, for tests that count turns of the event loop. */
export const promptDisk: Flush = (_fd, done) => done(null)

/** The real one, which stands still where the test wants it to. */
export class HeldDisk {
  #held = false
  #asked = Promise.withResolvers<() => void>()

  readonly flush: Flush = (fd, done) => {
    if (this.#held) this.#asked.resolve(() => fdatasync(fd, done))
    else fdatasync(fd, done)
  }

  hold(): void {
    this.#held = true
  }

  /** Resolves when it is asked the next time, with what lets it do that. */
  async asked(): Promise<() => void> {
    const goOn = await this.#asked.promise
    this.#asked = Promise.withResolvers()
    return goOn
  }

  /** Does all that it is asked from now on. */
  release(): void {
    this.#held = false
  }
}
