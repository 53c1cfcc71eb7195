import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startParent } from '../proxy/parent-rig.ts'
import { startChain } from '../testnet/chain.ts'
import { type RunningPurser, runHere, startPurser, writeConfig } from './running-purser.ts'

let chain: Awaited<ReturnType<typeof startChain>>
let purser: RunningPurser
beforeAll(async () => {
  chain = await startChain()
  purser = await startPurser({ networks: [{ id: 'eip155:84532', rpc: chain.rpcUrl }] })
}, 60_000)
afterAll(async () => {
  await purser[Symbol.asyncDispose]()
  await chain[Symbol.asyncDispose]()
})

const wallet = (...argv: string[]) => runHere(['wallet', ...argv, '--config', purser.configFile], purser.env)

describe('wallet', () => {
  it('address is the one that pays', async () => {
    expect(await wallet('address')).toMatchObject({ code: 0, out: `${purser.app.walletAddress}\n` })
    expect(JSON.parse((await wallet('address', '--json')).out)).toEqual({ address: purser.app.walletAddress })
  })

  it('address of a session is the one that it pays from', async () => {
    await using derived = await startPurser({ wallet: { kind: 'derived', seed: 'file:./seed' } })
    const at = (...argv: string[]) => runHere([...argv, '--config', derived.configFile], derived.env)
    const opened = await at('session', 'open', '--agent', 'a', '--purpose', 'p', '--cap', '1', '--ttl', '1h', '--json')
    const { id, wallet: own }: { id: string; wallet: { address: string } } = JSON.parse(opened.out)
    expect(await at('wallet', 'address', '--session', id)).toMatchObject({ code: 0, out: `${own.address}\n` })
    expect(own.address).not.toBe(derived.app.walletAddress)
    expect((await at('session', 'show', id)).out).toContain(own.address)
    expect(await at('wallet', 'address', '--session', 'ses_none')).toMatchObject({ code: 1 })
  })

  it('balance is what the chain says, to the last unit', async () => {
    await chain.fund(`0x${purser.app.walletAddress.slice(2)}`, 1_234_567n)
    const { code, out } = await wallet('balance')
    expect(code).toBe(0)
    expect(out).toMatch(/^eip155:84532 +USDC +1\.234567$/m)
    expect(JSON.parse((await wallet('balance', '--json')).out)).toMatchObject({ holdings: [{ symbol: 'USDC', balanceAtomic: '1234567' }] })
  })

  it('a network without an rpc is said, and nothing is made up', async () => {
    const { configFile } = await writeConfig({ networks: [{ id: 'eip155:84532' }] })
    const { code, out } = await runHere(['wallet', 'balance', '--config', configFile], purser.env)
    expect(code).toBe(1)
    expect(out).toContain('no rpc is configured for eip155:84532')
  })

  it('the chain is asked through the parent proxy, with its credentials', async () => {
    const parent = await startParent({ authorization: `Basic ${btoa('pur:ser')}` })
    const { folder, configFile } = await writeConfig({
      networks: [{ id: 'eip155:84532', rpc: `http://rpc.example:${new URL(chain.rpcUrl).port}` }],
      proxy: {
        listen: '127.0.0.1:0',
        parent: { url: `http://127.0.0.1:${parent.port}`, user: 'pur', password: 'file:./parent.password' },
      },
    })
    await writeFile(join(folder, 'parent.password'), 'ser', { mode: 0o600 })
    const { code, out } = await runHere(['wallet', 'balance', '--config', configFile], purser.env)
    expect([code, out]).toEqual([0, expect.stringMatching(/USDC +1\.234567$/m)])
    expect(parent.asked).toContain(`POST http://rpc.example:${new URL(chain.rpcUrl).port}/`)
  })

  it('an rpc that does not answer is said', async () => {
    const { configFile } = await writeConfig({ networks: [{ id: 'eip155:84532', rpc: 'http://127.0.0.1:1' }] })
    const { code, out } = await runHere(['wallet', 'balance', '--config', configFile], purser.env)
    expect(code).toBe(1)
    expect(out).toContain('the rpc did not answer')
  })

  it('address creates the wallet where no Purser has run yet, and names the same one again', async () => {
    const { configFile } = await writeConfig({ admin: { listen: '127.0.0.1:1' } })
    const first = await runHere(['wallet', 'address', '--config', configFile])
    expect(first.out).toMatch(/^0x[0-9a-fA-F]{40}\n$/)
    expect((await runHere(['wallet', 'address', '--config', configFile])).out).toBe(first.out)
  })
})
