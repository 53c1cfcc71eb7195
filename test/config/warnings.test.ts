import { describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { dangersOf } from '../../src/config/warnings.ts'
import { tiersSchema } from '../../src/policy/tiers.ts'

const config = await loadConfig({ env: {} })
const proxyWith = (over: Partial<Config['proxy']>): Config => ({ ...config, proxy: { ...config.proxy, ...over } })

const PERSON = { roles: ['approver'] } as const
const HIRE = { maxAmount: '5000', categories: ['agent_hire'], recipientTrust: 'any', frequency: { max: 5, per: '24h' } }

describe('dangersOf', () => {
  it('is empty for the defaults', () => {
    expect(dangersOf(config)).toEqual([])
  })

  it.each<[string, Config, string]>([
    ['a mode that relaxes', { ...config, mode: 'open' }, 'mode: open pays what the tiers and scopes refuse. Caps and limits still hold.'],
    [
      'a plain listener on the network',
      proxyWith({ listen: { host: '0.0.0.0', port: 1 }, unsafePlainListener: true }),
      'proxy.unsafePlainListener: tokens cross the network in the clear on 0.0.0.0:1.',
    ],
    [
      'opened networks',
      proxyWith({ unsafeAllowPrivateUpstreams: ['10.0.0.0/8'] }),
      'proxy.unsafeAllowPrivateUpstreams: agents reach 10.0.0.0/8, and plain http is paid there.',
    ],
    [
      'a secret in the file',
      { ...config, wallet: { kind: 'local', key: { kind: 'text', reveal: () => '0xcanary' } } },
      'wallet.key stands in the configuration itself. Write env:NAME or file:PATH instead.',
    ],
  ])('names %s', (_, dangerous, sentence) => {
    expect(dangersOf(dangerous)).toEqual([sentence])
  })

  it('names a tier that needs more people than there are, and none that has them', async () => {
    const tiers = tiersSchema.parse([
      { name: 'hire', conditions: HIRE, approval: 'explicit_human', timeout: '1h', approvers: 2 },
      { name: 'subscribe', conditions: HIRE, approval: 'explicit_human', timeout: '1h' },
    ])
    const person = (id: string) => ({ ...PERSON, id })
    expect(dangersOf({ ...config, tiers, people: [person('ada')] })).toEqual([
      'tiers.hire: asks for a yes of 2 different people, and people names 1 with the role approver. The others need tokens of their own: purser token create --role approver --person NAME.',
    ])
    expect(dangersOf({ ...config, tiers, people: [person('ada'), person('bob')] })).toEqual([])
  })

  it('says nothing of a plain listener that only this machine reaches', () => {
    expect(dangersOf(proxyWith({ unsafePlainListener: true }))).toEqual([])
  })
})
