import { describe, expect, it } from 'vitest'
import { inMcp } from '../../src/rails/in-mcp.ts'
import { NETWORK } from '../testnet/chain.ts'

const response = (said: object) => JSON.stringify({ jsonrpc: '2.0', id: 1, ...said })
const challenge = { id: 'x', realm: 'tools', method: 'evm', intent: 'charge', request: {}, expires: '2099-01-01T00:00:00Z' }

describe('both protocols inside MCP', () => {
  it('asked by at once are one 402 that asks by both', () => {
    const required = { x402Version: 2, accepts: [] }
    const result = {
      isError: true,
      structuredContent: required,
      _meta: { 'org.paymentauth/payment-required': { challenges: [challenge] } },
    }
    const { headers, body } = inMcp.challengeIn(response({ result })) ?? {}
    expect(headers?.[0]).toBe('www-authenticate')
    expect(Buffer.from(body ?? []).toString()).toBe(JSON.stringify(required))
  })

  it('asked by neither are none', () => {
    expect(inMcp.challengeIn(response({ result: { content: [] } }))).toBeUndefined()
  })

  it('keep an agent from sending the payment of either', () => {
    expect(inMcp.metaKeys).toEqual(['x402/payment', 'org.paymentauth/credential'])
  })

  it('are told apart by the header of the payment, and of the settlement', () => {
    expect(inMcp.carried(['PAYMENT-SIGNATURE', Buffer.from('{}').toString('base64')])?.member.key).toBe('x402/payment')
    expect(inMcp.carried(['Cookie', 'a=b'])).toBeUndefined()
    const _meta = { 'x402/payment-response': { success: true, network: NETWORK }, 'org.paymentauth/receipt': { status: 'success' } }
    expect(inMcp.settlementIn(response({ result: { _meta } })).filter((_, at) => at % 2 === 0)).toEqual([
      'PAYMENT-RESPONSE',
      'payment-receipt',
    ])
  })
})
