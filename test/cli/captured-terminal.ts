/** A terminal that a test holds in its hand: what was written is kept, signals come when the test says so. */

import { Writable } from 'node:stream'
import { styleText } from 'node:util'
import type { Sink, Terminal } from '../../src/cli/terminal.ts'
import type { Clock, Ids } from '../../src/clock.ts'
import type { Environment } from '../../src/config/environment.ts'
import { countingIds, testClock } from '../clock.ts'

export interface CapturedTerminal extends Terminal {
  stdout(): string
  stderr(): string
  signal(name: NodeJS.Signals): void
}

export interface Person {
  /** Their answers, in turn; with them the terminal is interactive. */
  readonly answers: string[]
}

export interface Outside {
  readonly clock: Clock
  readonly ids: Ids
  readonly person?: Person
}

export function capturedTerminal(env: Environment = {}, outside: Outside = { clock: testClock(), ids: countingIds() }): CapturedTerminal {
  const out = capture()
  const err = capture()
  const stop = new AbortController()
  let taker: ((name: NodeJS.Signals) => void) | undefined
  return {
    out,
    err,
    stdout: out.text,
    stderr: err.text,
    env,
    clock: outside.clock,
    ids: outside.ids,
    interactive: outside.person !== undefined,
    ask: async (question) => {
      err.line(question)
      return outside.person?.answers.shift() ?? ''
    },
    stop: stop.signal,
    onSignal: (listener) => {
      taker = listener
      return () => {
        taker = undefined
      }
    },
    signal: (name) => (taker ? taker(name) : stop.abort()),
    exitCode: 0,
  }
}

function capture(): Sink & { text(): string } {
  const stream = new Writable()
  let text = ''
  return {
    line: (more) => {
      text += `${more}\n`
    },
    write: async (bytes) => {
      text += Buffer.from(bytes).toString('utf8')
    },
    paint: (ink, more) => styleText(ink, more, { stream }),
    text: () => text,
  }
}
