/**
 * x402 inside MCP (x402's transport for MCP, versions 1 and 2): a challenge is a tool's result with `isError`, or, with
 * older servers, a JSON-RPC error 402; the payment goes in `params._meta`, what came of it comes back in `result._meta`.
 */
import type { RawHeaders } from '../../http.ts'
import { type Fields, fieldsIn, isFields } from '../fields.ts'
import { readStrictJson } from '../strict-json.ts'
import { PAYMENT_HEADER } from './finished.ts'

const PAYMENT = 'x402/payment'
const RESPONSE = 'x402/payment-response'
const NAMES: ReadonlySet<string> = new Set([PAYMENT_HEADER[1].toLowerCase(), PAYMENT_HEADER[2].toLowerCase()])

export const x402InMcp = { metaKeys: [PAYMENT], challengeIn, carried, settlementIn }

/** The challenge in a response, as the body of a 402; undefined where it is none. What a careless client could take for one is one. */
function challengeIn(response: string): Uint8Array | undefined {
  const { result, error } = fieldsIn(response) ?? {}
  if (isFields(error)) return inError(error, response)
  return isFields(result) ? inResult(result, response) : undefined
}

function inError({ code, data }: Fields, response: string): Uint8Array | undefined {
  return code === 402 && asks(data) ? exact(response, ['error', 'data']) : undefined
}

function inResult({ isError, structuredContent, content }: Fields, response: string): Uint8Array | undefined {
  if (isError !== true) return undefined
  if (asks(structuredContent)) return exact(response, ['result', 'structuredContent'])
  const [first]: unknown[] = Array.isArray(content) ? content : []
  const text = isFields(first) && typeof first.text === 'string' ? first.text : undefined
  return text !== undefined && asks(fieldsIn(text)) ? Buffer.from(text) : undefined
}

/** The payment header's own object, which is base64 over HTTP and plain here. */
function carried(headers: RawHeaders) {
  let payment: string | undefined
  const rest: string[] = []
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name = '', value = ''] = headers.slice(at, at + 2)
    if (NAMES.has(name.toLowerCase())) payment = value
    else rest.push(name, value)
  }
  if (payment === undefined) return undefined
  return { member: { key: PAYMENT, text: Buffer.from(payment, 'base64').toString('utf8') }, rest }
}

/** The statement as the header that says the same over HTTP. */
function settlementIn(response: string): RawHeaders {
  const { result } = fieldsIn(response) ?? {}
  const said = isFields(result) && isFields(result._meta) ? result._meta[RESPONSE] : undefined
  return said === undefined ? [] : ['PAYMENT-RESPONSE', Buffer.from(JSON.stringify(said)).toString('base64')]
}

/** The text of a part to the letter. Where it cannot be read in one way only, a challenge that no rail will read either. */
function exact(text: string, [outer, inner]: readonly [string, string]): Uint8Array {
  const json = readStrictJson(text)
  const holder = json.kind === 'read' && isFields(json.value) ? json.value[outer] : undefined
  const part = json.kind === 'read' && isFields(holder) ? json.sourceOf(holder[inner]) : undefined
  return Buffer.from(part ?? BROKEN)
}

/** Claims to be a challenge, and names a member twice as the answer did. */
const BROKEN = '{"x402Version":2,"accepts":[],"accepts":[]}'

function asks(value: unknown): boolean {
  return isFields(value) && 'x402Version' in value && 'accepts' in value
}
