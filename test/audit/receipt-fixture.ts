/** Receipts for tests of the chain and the exports. */
import { EMPTY_CHAIN, link } from '../../src/audit/chain.ts'
import type { Receipt, ReceiptBody } from '../../src/audit/receipt.ts'

export function body(changes: Partial<ReceiptBody> = {}): Omit<ReceiptBody, 'number' | 'previousHash'> {
  const { number: _number, previousHash: _previous, ...rest } = { ...WHOLE, ...changes }
  return rest
}

/** A chain of `length` entries of one session, oldest first. */
export function chainOf(length: number, sessionId = 'ses_1'): Receipt[] {
  const chain: Receipt[] = []
  for (let number = 1; number <= length; number++) {
    chain.push(link(chain.at(-1) ?? EMPTY_CHAIN, body({ id: `rcp_${sessionId}_${number}`, sessionId })).receipt)
  }
  return chain
}

const WHOLE: ReceiptBody = {
  id: 'rcp_1',
  kind: 'conclusion',
  number: 1,
  at: '2026-06-27T12:00:00.000Z',
  sessionId: 'ses_1',
  paymentId: 'pay_1',
  paymentRequestId: 'exc_1',
  state: 'settled',
  code: null,
  agent: 'researcher',
  tool: 'web_search',
  task: null,
  user: null,
  justification: 'for the “report”, tomorrow',
  tier: 'autonomous',
  rule: 'tiers.autonomous',
  reason: 'It is small.',
  policyVersion: '1',
  wouldBe: null,
  categories: ['search', 'data'],
  trust: 'verified',
  context: null,
  amount: '0.05',
  currency: 'USD',
  amountAtomic: '50000',
  asset: { symbol: 'USDC', address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', decimals: 6 },
  network: 'eip155:84532',
  rail: 'x402',
  scheme: 'exact',
  payer: '0x857b06519E91e3A54538791bDbb0E22373e36b66',
  recipient: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  resource: 'https://api.example.com/data',
  method: 'GET',
  challengeDigest: 'c'.repeat(64),
  nonce: `0x${'1'.repeat(64)}`,
  validBefore: '2026-06-27T12:02:00.000Z',
  times: {
    challenged: '2026-06-27T12:00:00.000Z',
    decided: '2026-06-27T12:00:00.000Z',
    reserved: '2026-06-27T12:00:00.000Z',
    signed: '2026-06-27T12:00:00.000Z',
    sent: '2026-06-27T12:00:00.000Z',
    concluded: '2026-06-27T12:00:01.000Z',
    delivered: null,
  },
  signature: `0x${'5'.repeat(130)}`,
  signatureDigest: 'd'.repeat(64),
  transaction: `0x${'a'.repeat(64)}`,
  settlement: 'The server says that it settled.',
  evidence: 'claimed',
  block: null,
  dispute: null,
  refunded: '0',
  delivery: { status: 200, bytes: 10, complete: true },
  delivered: true,
  count: 1,
  previousHash: '0'.repeat(64),
}
