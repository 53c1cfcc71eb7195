import { describe, expect, it } from 'vitest'
import { createReconcile } from '../../src/payment/reconcile.ts'
import { createRecovery } from '../../src/payment/recover.ts'
import { createSessionWallets } from '../../src/payment/session-wallets.ts'
import { createDerivedWallet } from '../../src/wallet/derived.ts'
import { MAX_WATCHED_SESSIONS } from '../../src/wallet-limits.ts'
import { scriptedChain, warnings } from './proof-rig.ts'
import { NETWORK, PAY_TO, type Rig, startRig } from './rig.ts'

const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
const wallet = createDerivedWallet({ seed: new Uint8Array(32).fill(7) })
const places = [{ network: NETWORK, tokens: [USDC] }]

const walletsOf = (rig: Rig) => createSessionWallets({ ledger: rig.ledger, wallet, places })
const addressesIn = (wallets: readonly { readonly wallet: string }[]) => wallets.map((one) => one.wallet).sort()

/** Sessions that pay by these names, and their addresses. */
async function sessionsOf(rig: Rig, names: readonly string[]) {
  for (const name of names) await rig.openSession({ wallet: name })
  return (await Promise.all(names.map((name) => wallet.address(name)))).sort()
}

describe('wallets of sessions', () => {
  it('are those of the ledger’s sessions that have their own, each once', async () => {
    await using rig = await startRig({ wallet })
    const addresses = await sessionsOf(rig, ['ses_a', 'ses_b'])
    await sessionsOf(rig, ['ses_a', 'default'])
    await rig.openSession({ wallet: 'of a wallet that is gone' })
    const { wallets, more } = await walletsOf(rig).all()
    expect([addressesIn(wallets), more]).toEqual([addresses, false])
    expect(wallets[0]).toMatchObject(places[0] ?? {})
  })

  it('are watched in turn: every one comes up, and then the first again', async () => {
    await using rig = await startRig({ wallet })
    const names = Array.from({ length: 2 * MAX_WATCHED_SESSIONS }, (_, index) => `ses_${index}`)
    const addresses = await sessionsOf(rig, names)
    const found = walletsOf(rig)
    const seen = new Set<string>()
    for (let turn = 0; turn < 5; turn++) for (const { wallet: address } of await found.next()) seen.add(address)
    expect([...seen].sort()).toEqual(addresses)
  })

  it('are watched no more where the session ended and paid nothing', async () => {
    await using rig = await startRig({ wallet })
    const { id } = await rig.openSession({ wallet: 'ses_a' })
    const found = walletsOf(rig)
    expect(await found.next()).toHaveLength(1)
    await rig.ledger.close(id)
    expect(await found.next()).toEqual([])
    expect((await found.all()).wallets).toHaveLength(1)
  })

  it('are looked at for transfers back in every round, beside those that are configured', async () => {
    await using rig = await startRig({ wallet })
    const [address] = await sessionsOf(rig, ['ses_a'])
    const asked: string[] = []
    const port = scriptedChain()
    const chain: typeof port = {
      ...port,
      incoming: (query) => {
        asked.push(query.wallet)
        return port.incoming(query)
      },
    }
    const { clock, ledger } = rig
    await createRecovery({ ledger, chain, clock, events: warnings().events, wallets: [], sessionWallets: walletsOf(rig) }).round()
    expect(asked).toEqual([address])
  })

  it('are searched for payments that the ledger does not know', async () => {
    await using rig = await startRig({ wallet })
    const [address = ''] = await sessionsOf(rig, ['ses_a'])
    const use = { token: USDC, nonce: `0x${'99'.repeat(32)}`, transaction: '0xfeed', block: 9n, amountAtomic: 5n, payTo: PAY_TO }
    const port = scriptedChain()
    const chain = {
      ...port,
      final: async () => ({ block: 10n, time_s: 0 }),
      blockBefore: async () => 0n,
      uses: async (query: { readonly wallet: string }) => ({ uses: query.wallet === address ? [use] : [], from_s: 0, to_s: 0 }),
    }
    const { clock, ledger } = rig
    const { events } = warnings()
    const recovery = createRecovery({ ledger, chain: port, clock, events, wallets: [] })
    const report = await createReconcile({ recovery, ledger, chain, events, wallets: [], sessionWallets: walletsOf(rig) })()
    expect(report.unrecorded).toEqual([{ network: NETWORK, wallet: address, ...use }])
    expect(report.searched).toMatchObject([{ wallet: address }])
  })
})
