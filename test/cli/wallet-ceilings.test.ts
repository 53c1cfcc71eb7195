import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startChain } from '../testnet/chain.ts'
import { allow, placePermit2 } from '../testnet/permit2.ts'
import { approvePermission, makePermission, placeSpendPermissions, spendPermitted } from '../testnet/spend-permissions.ts'
import { type RunningPurser, runHere, startPurser, writeConfig } from './running-purser.ts'

const ACCOUNT = '0x1111111111111111111111111111111111111111'
const SPENDER = '0x2222222222222222222222222222222222222222'

let chain: Awaited<ReturnType<typeof startChain>>
let purser: RunningPurser
let permission: Awaited<ReturnType<typeof makePermission>>
beforeAll(async () => {
  chain = await startChain()
  await placePermit2(chain)
  await placeSpendPermissions(chain)
  permission = await makePermission(chain, { account: ACCOUNT, spender: SPENDER })
  const written = { ...permission, allowance: permission.allowance.toString(), salt: permission.salt.toString() }
  const wallet = { kind: 'local', key: 'file:./data/wallet.key', spenders: [SPENDER], spendPermissions: [written] }
  purser = await startPurser({ networks: [{ id: 'eip155:84532', rpc: chain.rpcUrl }], wallet })
}, 60_000)
afterAll(async () => {
  await purser?.[Symbol.asyncDispose]()
  await chain?.[Symbol.asyncDispose]()
})

const ceilings = (...argv: string[]) => runHere(['wallet', 'ceilings', '--config', purser.configFile, ...argv], purser.env)

describe('wallet ceilings', () => {
  it('are what the chain lets be taken, to the unit', async () => {
    const wallet: `0x${string}` = `0x${purser.app.walletAddress.slice(2)}`
    await chain.fund(wallet, 12_000_000n)
    await allow(chain, wallet, 5_000_000n)
    await approvePermission(chain, permission)
    await chain.fund(ACCOUNT, 21_000_000n)
    expect(await spendPermitted(chain, permission, 20_000_000n)).toBe(true)
    const { code, out } = await ceilings()
    expect(code).toBe(0)
    expect(out).toMatch(/^eip155:84532 +USDC +balance +12$/m)
    expect(out).toMatch(/^eip155:84532 +USDC +allowed to Permit2 +5$/m)
    expect(out).toMatch(new RegExp(`^eip155:84532 +USDC +allowed to ${SPENDER} +0$`, 'm'))
    expect(out).toContain('20 taken, 30 left, of which the account holds 1')
    expect(out).toContain(`Next period       ${new Date((permission.start + permission.period) * 1_000).toISOString()}`)
    expect(out).toContain('Warning: 0x1111111111111111111111111111111111111111 on eip155:84532 holds 1 USDC, less than the 30 USDC')
    expect(JSON.parse((await ceilings('--json')).out)).toMatchObject({
      address: wallet,
      spendPermissions: [{ state: 'usable', spent: { atomic: '20000000' }, left: { atomic: '30000000' }, takeable: { atomic: '1000000' } }],
    })
  })

  it('of a session’s wallet stand beside its cap: a balance below what remains is said', async () => {
    const opened = await purser.json('session', 'open', '--agent', 'a', '--purpose', 'p', '--cap', '50', '--ttl', '1h')
    const { out } = await purser.run('balance', String(opened.id))
    expect(out).toContain('The wallet has $12.00 free, less than the $50.00 that remain of this session')
    expect((await ceilings('--session', String(opened.id))).out).toContain(purser.app.walletAddress)
    expect((await ceilings('--session', 'ses_none')).code).toBe(1)
  })

  it('what cannot be read is said, and ends with 1', async () => {
    const { configFile } = await writeConfig({
      networks: [{ id: 'eip155:84532', rpc: 'http://127.0.0.1:1' }],
      admin: { listen: '127.0.0.1:1' },
    })
    const { code, out } = await runHere(['wallet', 'ceilings', '--config', configFile])
    expect([code, out]).toEqual([1, expect.stringMatching(/USDC +balance +- +127\.0\.0\.1:1 gave no answer/)])
    expect(out).not.toMatch(/ 0$/m)
  })
})
