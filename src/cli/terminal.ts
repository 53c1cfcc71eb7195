/**
 * The command line: what people and scripts type. Each command reads its flags, asks the running Purser through its
 * admin API (or the files of the data folder), and prints a short answer; with `--json` the same as one JSON value.
 *
 * terminal: where a command writes, what it was given, and how it hears that it should stop.
 */
import { constants } from 'node:os'
import type { Clock, Ids } from '../clock.ts'
import type { Environment } from '../config/environment.ts'

export type Ink = 'bold' | 'dim' | 'green' | 'yellow' | 'red'

/** One of the two streams. Colours appear only where the stream is a terminal that wants them. */
export interface Sink {
  /** Writes text and a line break. */
  line(text: string): void
  /** Writes bytes as they are; resolves when the stream takes more. */
  write(bytes: string | Uint8Array): Promise<void>
  paint(ink: Ink, text: string): string
}

export interface Terminal {
  readonly out: Sink
  readonly err: Sink
  readonly env: Environment
  readonly clock: Clock
  readonly ids: Ids
  /** True where a person sits at standard input, who interrupts a child together with us. */
  readonly interactive: boolean
  /** One line from that person, without its line break; empty where standard input ends. */
  ask(question: string): Promise<string>
  /** Aborts at the first SIGINT or SIGTERM that nobody took over by `onSignal`. */
  readonly stop: AbortSignal
  /** From now on signals go to `listener` and no longer to `stop`. @returns the way back. */
  onSignal(listener: (signal: NodeJS.Signals) => void): () => void
  /** What the process will end with: 0 done, 1 refused or failed, 2 wrong usage; `exec` passes its command's on. */
  exitCode: number
}

/** What a shell says of a process that a signal ended. */
export function codeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

/** Pretty JSON for `--json`. Amounts of type bigint are not expected here: amounts are decimal strings by now. */
export function printJson(terminal: Terminal, value: unknown): void {
  terminal.out.line(JSON.stringify(value, null, 2))
}

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

/** Rows in aligned columns, two blanks apart, without trailing blanks. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const all = [columns.map((column) => column.title), ...rows]
  const widths = columns.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)))
  const cell = (text: string, at: number) =>
    columns[at]?.align === 'right' ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0)
  return all.map((row) => row.map(cell).join('  ').trimEnd()).join('\n')
}

/** "1 receipt", "2 receipts". */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

/** Name and value pairs, the values aligned. */
export function facts(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length))
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}

/** A value of an answer as one line: lists of texts without brackets, the rest as JSON. */
export function worded(value: unknown): string {
  if (typeof value === 'string') return value
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value.join(', ') : JSON.stringify(value)
}

const BAR_CELLS = 24n

/** How much of `whole` is `part`, as a bar of 24 cells; anything above zero shows at least one. */
export function bar(part: bigint, whole: bigint): string {
  if (whole <= 0n) return '·'.repeat(Number(BAR_CELLS))
  const cells = part <= 0n ? 0n : part >= whole ? BAR_CELLS : (part * BAR_CELLS) / whole || 1n
  return '█'.repeat(Number(cells)) + '·'.repeat(Number(BAR_CELLS - cells))
}
