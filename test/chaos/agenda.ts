/**
 * The agenda: all that will happen in a history, in the order of a virtual time. Nothing in the world answers at once;
 * every answer, timer, byte and commit is an entry here, so the seed alone decides in which order they come. Between two
 * entries the program under test runs until it waits for another one.
 */

/** Whose entry it is. When a life ends, as that of a killed process does, nothing of it happens any more. */
export class Life {
  readonly name: string
  readonly #afterwards: (() => void)[] = []
  #alive = true

  constructor(name: string) {
    this.name = name
  }

  get alive(): boolean {
    return this.#alive
  }

  /** What the world does about its end. */
  afterwards(what: () => void): void {
    this.#afterwards.push(what)
  }

  end(): void {
    this.#alive = false
    for (const what of this.#afterwards.splice(0)) what()
  }
}

interface Entry {
  readonly time: number
  readonly order: number
  readonly life: Life
  run: (() => void) | undefined
}

/**
 * What Node does itself after each callback: all promises that can be settled are, and all that waits for nothing has run.
 * Done here, it takes no turn of the real event loop, of which a campaign would need some hundred millions.
 */
const settle = settler()

function settler(): () => void {
  const found: unknown = Reflect.get(process, '_tickCallback')
  if (typeof found !== 'function') throw new Error('this Node.js cannot be asked to settle what is under way')
  return () => void found.call(process)
}

/** Plays it in a callback of the event loop, the only place from which the agenda can be stepped through. */
export function played<T>(play: () => T): Promise<T> {
  return new Promise((resolve, reject) =>
    setImmediate(() => {
      try {
        resolve(play())
      } catch (cause) {
        reject(cause)
      }
    }),
  )
}

export const START_MS = Date.parse('2026-06-27T12:00:00Z')

export class Agenda {
  /** The world's own life: what no crash takes with it. */
  readonly world = new Life('world')
  readonly #heap: Entry[] = []
  #now = START_MS
  #order = 0

  /** Virtual time in milliseconds since 1970. */
  get now(): number {
    return this.#now
  }

  get empty(): boolean {
    return this.#heap.length === 0
  }

  /** Runs it after `delay_ms`; the returned function calls it off. */
  later(delay_ms: number, life: Life, run: () => void): () => void {
    const entry: Entry = { time: this.#now + Math.max(0, delay_ms), order: this.#order++, life, run }
    push(this.#heap, entry)
    return () => {
      entry.run = undefined
    }
  }

  /** Resolves after `delay_ms`, never if the life has ended by then. */
  pause(delay_ms: number, life: Life): Promise<void> {
    return new Promise((resolve) => this.later(delay_ms, life, resolve))
  }

  /** As `pause`; rejects early when the signal comes. */
  wait(delay_ms: number, { life, signal }: { readonly life: Life; readonly signal: AbortSignal }): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        callOff()
        reject(new Error('nobody waits for it any more'))
      }
      const callOff = this.later(delay_ms, life, () => {
        signal.removeEventListener('abort', leave)
        resolve()
      })
      if (signal.aborted) leave()
      else signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** Does the next thing and lets the program run on. False where nothing is left, or not before `until`. */
  step(until = Number.POSITIVE_INFINITY): boolean {
    for (;;) {
      const [first] = this.#heap
      if (!first || first.time > until) return false
      const { run, life, time } = pop(this.#heap)
      if (!run || !life.alive) continue
      // What was due while time was skipped happens late: time never goes back.
      this.skipTo(time)
      run()
      settle()
      return true
    }
  }

  /** Lets the program run until it waits for an entry here. */
  settle(): void {
    settle()
  }

  /** Time passes although nothing happens. */
  skipTo(time: number): void {
    this.#now = Math.max(this.#now, time)
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order)
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length
  heap.push(entry)
  while (at > 0) {
    const above = (at - 1) >> 1
    const parent = heap[above]
    if (!parent || before(parent, entry)) break
    heap[at] = parent
    at = above
  }
  heap[at] = entry
}

function pop(heap: Entry[]): Entry {
  const [first] = heap
  const last = heap.pop()
  if (!first || !last) throw new Error('the agenda is empty')
  if (heap.length > 0) sink(heap, last)
  return first
}

function sink(heap: Entry[], entry: Entry): void {
  let at = 0
  for (;;) {
    const left = 2 * at + 1
    const [a, b] = [heap[left], heap[left + 1]]
    const child = a && b && before(b, a) ? left + 1 : left
    const smaller = heap[child]
    if (!smaller || before(entry, smaller)) break
    heap[at] = smaller
    at = child
  }
  heap[at] = entry
}
