/** The lines of an exported file: one entry each, as JSON lines or as one JSON array with an entry on each line. */
import { MAX_EXPORT_LINE_BYTES } from '../limits.ts'
import { ReceiptFormatError } from './parse.ts'

export interface ExportLine {
  /** From 1. */
  readonly line: number
  /** The entry's JSON. */
  readonly text: string
}

/** An export is not in its form; `line` says where. */
export class ExportFormatError extends ReceiptFormatError {
  readonly line: number
  constructor(line: number, why: string) {
    super(why)
    this.line = line
  }
}

const NEWLINE = 0x0a

/**
 * Reads the entries in their order. Everything has its one form, so that no byte can be changed unseen: UTF-8, a line
 * break behind every line, no empty lines, and of an array its brackets and commas.
 * @throws ExportFormatError at the first line that is otherwise.
 */
export async function* exportLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ExportLine, void, undefined> {
  let line = 0
  let shape: Shape = 'start'
  for await (const text of linesOf(chunks)) {
    line += 1
    const step: Step = text === undefined ? { why: 'the file ends within this line' } : stepOf(shape, text)
    if ('why' in step) throw new ExportFormatError(line, step.why)
    shape = step.shape
    if (step.text !== undefined) yield { line, text: step.text }
  }
  if (shape === 'opened' || shape === 'more' || shape === 'last') throw new ExportFormatError(line + 1, 'the file ends within its list')
}

/** `opened`: behind `[`; `more`: behind a comma; `last`: behind an entry without one; `closed`: behind `]`. */
type Shape = 'start' | 'lines' | 'opened' | 'more' | 'last' | 'closed'
type Step = { readonly shape: Shape; readonly text?: string } | { readonly why: string }

function stepOf(shape: Shape, text: string): Step {
  if (text === '') return { why: 'the line is empty' }
  switch (shape) {
    case 'start':
      return text === '[' ? { shape: 'opened' } : { shape: 'lines', text }
    case 'lines':
      return { shape, text }
    case 'opened':
      return text === ']' ? { shape: 'closed' } : listed(text)
    case 'more':
      return listed(text)
    case 'last':
      return text === ']' ? { shape: 'closed' } : { why: 'the list should end here' }
    case 'closed':
      return { why: 'the list has ended before this line' }
  }
}

function listed(text: string): Step {
  return text.endsWith(',') ? { shape: 'more', text: text.slice(0, -1) } : { shape: 'last', text }
}

/** The text of each line; undefined for one that is no UTF-8, too long, or has no line break. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string | undefined, void, undefined> {
  let rest = Buffer.alloc(0)
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    let start = 0
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE, start)) {
      yield decode(rest.subarray(start, end))
      start = end + 1
    }
    rest = rest.subarray(start)
    if (rest.length > MAX_EXPORT_LINE_BYTES) break
  }
  if (rest.length > 0) yield undefined
}

/** A byte order mark stays what it is, so that none can be slipped in. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    // Not in any text that was exported, so that the line is found to be none of ours.
    return '\u0000'
  }
}
