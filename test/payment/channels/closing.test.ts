import { describe, expect, it } from 'vitest'
import { CLOSING_RETRY_MS } from '../../../src/channel-limits.ts'
import { createClosing } from '../../../src/payment/channels/closing.ts'
import { startClosingRig } from './closing-rig.ts'

const DEPOSIT = 50_000n

describe('the loop that closes channels', () => {
  it('looks at what is due, one at a time, and at nothing of a session that goes on', async () => {
    await using rig = await startClosingRig()
    await rig.open(DEPOSIT)
    await rig.pass()
    await rig.proveAll()
    const closing = createClosing(rig.deps())
    expect(await closing.round()).toEqual([])
    expect(rig.told).toEqual([])
    await rig.endSession()
    expect(await closing.round()).toEqual([])
    await rig.pass(CLOSING_RETRY_MS / 1000)
    expect(await closing.round()).toMatchObject([{ state: 'closed', deposited: DEPOSIT }])
    expect(await closing.round()).toEqual([])
  })

  it('goes round until it is stopped, and says once what keeps it from closing', async () => {
    await using rig = await startClosingRig()
    await rig.open(DEPOSIT)
    await rig.pass()
    await rig.proveAll()
    await rig.endSession()
    const escrows = { ...rig.escrows, state: () => Promise.reject(new Error('rpc.example gave no answer.')) }
    const rounds = Promise.withResolvers<void>()
    let pauses = 0
    const pause = async () => {
      rig.clock.advance(CLOSING_RETRY_MS)
      if (++pauses === 3) rounds.resolve()
    }
    const closing = createClosing({ ...rig.deps({ escrows }), pause })
    closing.start()
    await rounds.promise
    await closing.stop()
    expect(rig.told).toEqual([expect.stringMatching(/cannot be claimed back yet; it is tried again\. rpc\.example gave no answer\.$/)])
  })
})
