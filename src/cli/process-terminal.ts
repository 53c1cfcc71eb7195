/** The terminal of this process: its streams, its signals, its environment. */
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import { randomIds, systemClock } from '../clock.ts'
import { environment } from '../config/environment.ts'
import { runProgram } from './program.ts'
import { codeOfSignal, type Sink, type Terminal } from './terminal.ts'

/** Ends the process; only `main.ts` holds the real one. */
export type Exit = (code: number) => never

/** Runs this process's command line and leaves the exit code behind. */
export async function runOnThisProcess(exit: Exit): Promise<void> {
  const { stop, onSignal } = listen(exit)
  for (const stream of [process.stdout, process.stderr]) stream.on('error', (error) => leaveBrokenPipe(error, exit))
  const terminal: Terminal = {
    out: sinkOf(process.stdout),
    err: sinkOf(process.stderr),
    env: environment(),
    clock: systemClock,
    ids: randomIds,
    interactive: process.stdin.isTTY === true,
    ask: (question) => askPerson(question, stop),
    stop,
    onSignal,
    exitCode: 0,
  }
  process.exitCode = await runProgram(process.argv.slice(2), terminal)
}

/** `purser payments list | head` ends well: the reader has what it wanted. */
function leaveBrokenPipe(error: NodeJS.ErrnoException, exit: Exit): void {
  if (error.code === 'EPIPE') exit(0)
  throw error
}

/** Questions go to standard error, because standard output is the result. */
async function askPerson(question: string, signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await Promise.race([lines.question(question, { signal }), once(lines, 'close', { signal }).then(() => '')])
  } finally {
    lines.close()
  }
}

function sinkOf(stream: Writable): Sink {
  return {
    line: (text) => {
      stream.write(`${text}\n`)
    },
    write: async (bytes) => {
      if (!stream.write(bytes)) await once(stream, 'drain')
    },
    paint: (ink, text) => styleText(ink, text, { stream }),
  }
}

/** The first signal asks to stop, the second ends at once; whoever takes signals over gets every one of them. */
function listen(exit: Exit): Pick<Terminal, 'stop' | 'onSignal'> {
  const stop = new AbortController()
  let taker: ((signal: NodeJS.Signals) => void) | undefined
  const hear = (signal: NodeJS.Signals) => {
    if (taker) return taker(signal)
    if (stop.signal.aborted) exit(codeOfSignal(signal))
    stop.abort()
  }
  process.on('SIGINT', hear)
  process.on('SIGTERM', hear)
  return {
    stop: stop.signal,
    onSignal: (listener) => {
      taker = listener
      return () => {
        taker = undefined
      }
    },
  }
}
