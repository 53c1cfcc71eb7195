/** Exports of receipts: JSON lines, which can be verified offline, and CSV for spreadsheets. Both stream. */
import { canonicalJson } from './canonical.ts'
import { parseReceipt, ReceiptFormatError } from './parse.ts'
import type { Receipt } from './receipt.ts'

/** One receipt for each line, each as its canonical JSON with `hash`. */
export async function* exportJsonl(receipts: AsyncIterable<Receipt> | Iterable<Receipt>): AsyncGenerator<string, void, undefined> {
  for await (const receipt of receipts) yield `${canonicalJson(receipt)}\n`
}

/**
 * Reads an export of JSON lines back, in its order; empty lines are skipped.
 * @throws ReceiptFormatError that names the line.
 */
export async function* readJsonl(chunks: AsyncIterable<string | Uint8Array> | Iterable<string>): AsyncGenerator<Receipt, void, undefined> {
  let number = 0
  for await (const line of linesOf(chunks)) {
    number += 1
    if (line.trim() !== '') yield receiptOnLine(line, number)
  }
}

const COLUMNS: readonly (readonly [name: string, value: (receipt: Receipt) => string | number | boolean | null])[] = [
  ['id', (r) => r.id],
  ['kind', (r) => r.kind],
  ['number', (r) => r.number],
  ['at', (r) => r.at],
  ['session_id', (r) => r.sessionId],
  ['payment_id', (r) => r.paymentId],
  ['payment_request_id', (r) => r.paymentRequestId],
  ['state', (r) => r.state],
  ['code', (r) => r.code],
  ['agent', (r) => r.agent],
  ['tool', (r) => r.tool],
  ['task', (r) => r.task],
  ['user', (r) => r.user],
  ['justification', (r) => r.justification],
  ['tier', (r) => r.tier],
  ['rule', (r) => r.rule],
  ['reason', (r) => r.reason],
  ['policy_version', (r) => r.policyVersion],
  ['would_be', (r) => r.wouldBe],
  ['categories', (r) => r.categories.join(' ')],
  ['trust', (r) => r.trust],
  ['amount', (r) => r.amount],
  ['currency', (r) => r.currency],
  ['amount_atomic', (r) => r.amountAtomic],
  ['asset_symbol', (r) => r.asset?.symbol ?? null],
  ['asset_address', (r) => r.asset?.address ?? null],
  ['asset_decimals', (r) => r.asset?.decimals ?? null],
  ['network', (r) => r.network],
  ['rail', (r) => r.rail],
  ['scheme', (r) => r.scheme],
  ['payer', (r) => r.payer],
  ['recipient', (r) => r.recipient],
  ['method', (r) => r.method],
  ['resource', (r) => r.resource],
  ['challenge_digest', (r) => r.challengeDigest],
  ['nonce', (r) => r.nonce],
  ['valid_before', (r) => r.validBefore],
  ['challenged_at', (r) => r.times.challenged],
  ['decided_at', (r) => r.times.decided],
  ['reserved_at', (r) => r.times.reserved],
  ['signed_at', (r) => r.times.signed],
  ['sent_at', (r) => r.times.sent],
  ['concluded_at', (r) => r.times.concluded],
  ['delivered_at', (r) => r.times.delivered],
  ['signature', (r) => r.signature],
  ['signature_digest', (r) => r.signatureDigest],
  ['transaction', (r) => r.transaction],
  ['settlement', (r) => r.settlement],
  ['evidence', (r) => r.evidence],
  ['block', (r) => r.block],
  ['dispute', (r) => r.dispute],
  ['refunded', (r) => r.refunded],
  ['delivery_status', (r) => r.delivery?.status ?? null],
  ['delivery_bytes', (r) => r.delivery?.bytes ?? null],
  ['delivery_complete', (r) => r.delivery?.complete ?? null],
  ['delivered', (r) => r.delivered],
  ['count', (r) => r.count],
  ['previous_hash', (r) => r.previousHash],
  ['hash', (r) => r.hash],
]

/** A header line, then one line for each receipt (RFC 4180, CRLF). No cell can be read as a formula. */
export async function* exportCsv(receipts: AsyncIterable<Receipt> | Iterable<Receipt>): AsyncGenerator<string, void, undefined> {
  yield csvLine(COLUMNS.map(([name]) => name))
  for await (const receipt of receipts) yield csvLine(COLUMNS.map(([, value]) => value(receipt)))
}

/** One line of a table, with its line break. */
export function csvLine(cells: readonly (string | number | boolean | null)[]): string {
  return `${cells.map((cell) => csvCell(cell === null ? '' : String(cell))).join(',')}\r\n`
}

/** Spreadsheets run cells that start with one of these; a leading apostrophe makes them text. */
const FORMULA = /^[=+\-@\t\r\n]/

function csvCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

async function* linesOf(chunks: AsyncIterable<string | Uint8Array> | Iterable<string>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of chunks) {
    const lines = `${rest}${typeof chunk === 'string' ? chunk : decode(decoder, chunk)}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  rest += decode(decoder)
  if (rest !== '') yield rest
}

function decode(decoder: InstanceType<typeof TextDecoder>, chunk?: Uint8Array): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode()
  } catch (cause) {
    throw new ReceiptFormatError('the export is not UTF-8', { cause })
  }
}

function receiptOnLine(line: string, number: number): Receipt {
  try {
    return parseReceipt(line)
  } catch (cause) {
    throw new ReceiptFormatError(`line ${number}: ${cause instanceof Error ? cause.message : 'unreadable'}`, { cause })
  }
}
