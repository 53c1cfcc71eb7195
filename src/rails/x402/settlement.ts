/**
 * Settlements: what a server says came of a payment. Its word counts as a claim where it is well formed; everything
 * else proves nothing, in particular not that no money moved.
 */
import { z } from 'zod'
import { type Head, headerValues } from '../../http.ts'
import { MAX_402_HEADER_BYTES } from '../../limits.ts'
import { resolveNetwork } from '../../session/networks.ts'
import type { Settlement } from '../rail.ts'

const HEADERS = { 1: ['x-payment-response', 'payment-response'], 2: ['payment-response', 'x-payment-response'] } as const
const HASH = /^0x[0-9a-fA-F]{64}$/

const response = z.object({ success: z.boolean(), transaction: z.string(), network: z.string().nullish(), amount: z.unknown().optional() })
const AMOUNT = /^(0|[1-9][0-9]{0,77})$/

/** Reads `PAYMENT-RESPONSE` (version 2) or `X-PAYMENT-RESPONSE` (version 1); undefined where the server says nothing. */
export function readSettlement(
  head: Head,
  { network, protocolVersion }: { readonly network: string; readonly protocolVersion: number },
): Settlement | undefined {
  const names = HEADERS[protocolVersion === 1 ? 1 : 2]
  const values = names.map((name) => headerValues(head.headers, name)).find((found) => found.length > 0)
  const [value] = values ?? []
  if (values === undefined || value === undefined) return undefined
  if (values.length > 1) return unproven('The server states the settlement more than once.')
  const said = decode(value)
  if (!said) return unproven('The server’s statement on the settlement cannot be read.')
  if (!said.success) return unproven('The server says that the settlement failed.')
  if (said.transaction === '' && said.amount === '0')
    return unproven('The server says that it took nothing; what was signed may be taken until its window closes.')
  if (!HASH.test(said.transaction)) return unproven('The server says that it settled, without a transaction.')
  if (said.network && resolveNetwork(said.network) !== network) return unproven('The server says that it settled on another network.')
  return {
    kind: 'claimed',
    transaction: said.transaction.toLowerCase(),
    network,
    ...(typeof said.amount === 'string' && AMOUNT.test(said.amount) && { charged: BigInt(said.amount) }),
    reason: 'The server says that it settled and names the transaction.',
  }
}

function decode(value: string): z.infer<typeof response> | undefined {
  if (value.length > MAX_402_HEADER_BYTES * 2) return undefined
  try {
    return response.safeParse(JSON.parse(Buffer.from(value, 'base64').toString('utf8'))).data
  } catch {
    return undefined
  }
}

function unproven(reason: string): Settlement {
  return { kind: 'unproven', transaction: undefined, network: undefined, reason }
}

const ALLOWANCE_STATUS = 412
const lack = z.object({ error: z.literal('permit2_allowance_required') })

/** Servers of version 2 say so with a status of its own, in the header of a challenge. */
export function lacksAllowance({ status, headers }: Head): boolean {
  const [value] = headerValues(headers, 'payment-required')
  if (status !== ALLOWANCE_STATUS || value === undefined || value.length > MAX_402_HEADER_BYTES * 2) return false
  try {
    return lack.safeParse(JSON.parse(Buffer.from(value, 'base64').toString('utf8'))).success
  } catch {
    return false
  }
}
