/** Settlements: what a server says came of a payment, in its receipt. A well-formed one is a claim; silence proves nothing. */
import { z } from 'zod'
import { type Head, headerValues } from '../../http.ts'
import { MAX_RECEIPT_CHARS } from '../../mpp-limits.ts'
import type { Settlement } from '../rail.ts'

const HEADER = 'payment-receipt'
const HASH = /^0x[0-9a-fA-F]{64}$/

const receipt = z.object({ method: z.string(), status: z.string(), reference: z.string() })

/** Reads `Payment-Receipt`: base64url of JSON; undefined where the server says nothing. */
export function readReceipt(head: Head, { network }: { readonly network: string }): Settlement | undefined {
  const values = headerValues(head.headers, HEADER)
  const [value] = values
  if (value === undefined) return undefined
  if (values.length > 1) return unproven('The server gives more than one receipt.')
  const said = decode(value)
  if (!said) return unproven('The server’s receipt cannot be read.')
  if (said.status !== 'success') return unproven('The server’s receipt says that the payment did not succeed.')
  if (said.method !== 'evm') return unproven('The server’s receipt is for another way of paying.')
  if (!HASH.test(said.reference)) return unproven('The server’s receipt names no transaction.')
  const transaction = said.reference.toLowerCase()
  return { kind: 'claimed', transaction, network, reason: 'The server’s receipt says that it settled and names the transaction.' }
}

function decode(value: string): z.infer<typeof receipt> | undefined {
  if (value.length > MAX_RECEIPT_CHARS) return undefined
  try {
    return receipt.safeParse(JSON.parse(Buffer.from(value, 'base64url').toString('utf8'))).data
  } catch {
    return undefined
  }
}

function unproven(reason: string): Settlement {
  return { kind: 'unproven', transaction: undefined, network: undefined, reason }
}
