import { describe, expect, it } from 'vitest'
import { comparison, type Earlier, type Proposed } from '../../../src/console/pages/comparison.ts'

const now: Proposed = {
  ...{ amount: '89.00', currency: 'USD', assetAmount: '89', asset: 'USDC', assetAddress: '0x036C', network: 'eip155:84532' },
  ...{ recipient: '0xAbc', host: 'agents.example', method: 'POST', resource: 'https://agents.example/hire', rail: 'x402' },
  ...{ scheme: 'exact', flow: 'authorization', agent: 'buyer', tier: 'collaborative', categories: ['agent_hire'], trust: 'known' },
}
const before: Earlier = {
  ...{ amount: '47.50', currency: 'USD', amountAtomic: '47500000', asset: { symbol: 'USDC', address: '0x036c', decimals: 6 } },
  ...{ network: 'eip155:84532', recipient: '0xabc', host: 'agents.example', method: 'POST', url: 'https://agents.example/hire' },
  ...{
    rail: 'x402',
    scheme: 'exact',
    flow: 'authorization',
    agent: 'buyer',
    tier: 'supervised',
    categories: ['agent_hire'],
    trust: 'known',
  },
}

describe('what will be signed beside the last payment there', () => {
  it('marks what differs and nothing else; letters of an address in another case are the same address', () => {
    const lines = comparison(now, before)
    expect(lines.filter(({ differs }) => differs).map(({ label }) => label)).toEqual(['Amount', 'Tier'])
    expect(lines[0]).toEqual({ label: 'Amount', now: '$89.00', before: '$47.50', differs: true })
  })

  it('another recipient, host, token or network is marked', () => {
    const changed = { ...now, recipient: '0xdef', host: 'evil.example', assetAddress: '0x999', network: 'eip155:8453' }
    const marked = comparison(changed, before).filter(({ differs }) => differs)
    expect(marked.map(({ label }) => label)).toEqual(['Amount', 'Recipient', 'Host', 'Token', 'Network', 'Tier'])
  })

  it('without an earlier payment nothing is compared and nothing claims to be the same', () => {
    const lines = comparison(now, null)
    expect(lines.every(({ before: earlier, differs }) => earlier === null && !differs)).toBe(true)
  })

  it('what an earlier payment does not know differs from what is known now', () => {
    const unknown = comparison(now, { ...before, recipient: null, asset: null })
    expect(unknown.filter(({ differs }) => differs).map(({ label }) => label)).toContain('Recipient')
    expect(unknown.find(({ label }) => label === 'Token')).toMatchObject({ before: '–', differs: true })
  })
})
