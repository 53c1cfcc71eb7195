import { describe, expect, it } from 'vitest'
import { PurserError, refused } from '../src/errors.ts'
import type { Change } from '../src/ledger/ledger.ts'
import { openPolicy } from '../src/policy-in-force.ts'
import { temporaryFolder } from './config/folder.ts'

const ONE = `0x${'aa'.repeat(20)}`
const TWO = `0x${'bb'.repeat(20)}`

/** What processes on one ledger tell each other; `down` is a ledger that cannot be written. */
function sharedLedger() {
  const listeners = new Set<(change: Change) => void>()
  const announced: string[] = []
  const ledger = {
    down: false,
    announced,
    async announcePolicy(version: string): Promise<void> {
      if (ledger.down) throw refused('ledger_unavailable', 'Not now.')
      announced.push(version)
      for (const tell of listeners) tell({ kind: 'policy', version })
    },
    watch(listener: (change: Change) => void): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  return ledger
}

function process(ledger: ReturnType<typeof sharedLedger>, blockedFiles: readonly string[], started: AsyncDisposableStack) {
  const warnings: string[] = []
  const recipients = { verified: [], blocked: [], blockedFiles }
  const config = { mode: 'enforce', tiers: [], categories: [], recipients, jurisdictions: { sanctioned: [] }, priceDrift: null } as const
  const events = { warned: (sentence: string) => warnings.push(sentence) }
  return openPolicy({ config, ledger, events }, started).then((inForce) => ({ inForce, warnings }))
}

describe('the policy in force', () => {
  it('is announced at the start', async () => {
    await using started = new AsyncDisposableStack()
    const ledger = sharedLedger()
    const { inForce } = await process(ledger, [], started)
    expect(ledger.announced).toEqual([inForce.policy().version])
    expect(inForce.reasons()).toEqual([])
    await inForce.refresh()
    expect(ledger.announced).toHaveLength(1)
  })

  it('changes with a list of blocked addresses, without a restart, and is announced before it is used', async () => {
    await using started = new AsyncDisposableStack()
    await using folder = await temporaryFolder()
    const ledger = sharedLedger()
    const { inForce } = await process(ledger, [await folder.write('list', ONE)], started)
    const before = inForce.policy()
    expect(before.rules.blockedAddresses?.addresses.has(ONE)).toBe(true)
    await folder.write('list', `${ONE}\n${TWO}\n`)
    const used: string[] = []
    ledger.watch(() => void used.push(inForce.policy().version))
    await inForce.refresh()
    const after = inForce.policy()
    expect(after.rules.blockedAddresses?.addresses.has(TWO)).toBe(true)
    expect(after.version).not.toBe(before.version)
    expect(ledger.announced).toEqual([before.version, after.version])
    expect(used).toEqual([before.version])
    expect(inForce.reasons()).toEqual([])
  })

  it('is the same on two processes whose files stand in different places', async () => {
    await using started = new AsyncDisposableStack()
    await using one = await temporaryFolder()
    await using two = await temporaryFolder()
    const ledger = sharedLedger()
    const a = await process(ledger, [await one.write('list', ONE)], started)
    const b = await process(ledger, [await two.write('other', `# the same\n${ONE}`)], started)
    expect(b.inForce.policy().version).toBe(a.inForce.policy().version)
  })

  it('puts a process whose list is older out of force, until its own list says the same (R8)', async () => {
    await using started = new AsyncDisposableStack()
    await using folder = await temporaryFolder()
    const ledger = sharedLedger()
    const [here, there] = [await folder.write('here', ONE), await folder.write('there', ONE)]
    const a = await process(ledger, [here], started)
    const b = await process(ledger, [there], started)
    await folder.write('here', TWO)
    await a.inForce.refresh()
    await b.inForce.refresh()
    expect(b.inForce.reasons()).toEqual([expect.stringMatching(/is in force, and this process decides by/)])
    expect(b.warnings).toEqual([expect.stringMatching(/it pays nothing\.$/)])
    await folder.write('there', TWO)
    await b.inForce.refresh()
    expect([b.inForce.reasons(), b.inForce.policy().version]).toEqual([[], a.inForce.policy().version])
  })

  it('keeps a list that becomes unusable, and warns once', async () => {
    await using started = new AsyncDisposableStack()
    await using folder = await temporaryFolder()
    const { inForce, warnings } = await process(sharedLedger(), [await folder.write('list', ONE)], started)
    const before = inForce.policy()
    await folder.write('list', 'nonsense')
    await inForce.refresh()
    await inForce.refresh()
    expect(inForce.policy()).toBe(before)
    expect(warnings).toEqual([expect.stringMatching(/list, line 1: not an address.*stays as it was\.$/)])
  })

  it('refuses to start without a list that it was told to read', async () => {
    await using started = new AsyncDisposableStack()
    await expect(process(sharedLedger(), ['/nowhere/list'], started)).rejects.toThrow('there is no file /nowhere/list')
  })

  it('starts while the ledger cannot be written, and tells it as soon as it can', async () => {
    await using started = new AsyncDisposableStack()
    const ledger = sharedLedger()
    ledger.down = true
    const { inForce } = await process(ledger, [], started)
    expect(ledger.announced).toEqual([])
    ledger.down = false
    await inForce.refresh()
    expect(ledger.announced).toEqual([inForce.policy().version])
  })

  it('any other fault of the ledger is not hidden', async () => {
    await using started = new AsyncDisposableStack()
    const ledger = { ...sharedLedger(), announcePolicy: () => Promise.reject(refused('conflict', 'What?')) }
    await expect(process(ledger, [], started)).rejects.toThrow(PurserError)
  })
})
