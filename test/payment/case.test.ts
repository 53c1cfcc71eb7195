import { describe, expect, it } from 'vitest'
import { openCase, recordOf } from '../../src/payment/case.ts'
import { challenge, startRig } from './rig.ts'

describe('opening a case', () => {
  it('is not opened where no rail claims the 402', async () => {
    await using rig = await startRig()
    expect(openCase(rig.deps, rig.request(), { status: 402, headers: [], body: undefined })).toEqual({ kind: 'not_a_challenge' })
  })

  it('is opened with the challenge of the rail that claims it', async () => {
    await using rig = await startRig()
    const opened = openCase(rig.deps, rig.request(), challenge())
    expect(opened).toMatchObject({ kind: 'challenge', case: { challenge: { rail: 'x402', offers: [{ amount: 1_000n }] } } })
  })

  it('a broken challenge is a case too, so that its refusal can be written down', async () => {
    await using rig = await startRig()
    const opened = openCase(rig.deps, rig.request(), { status: 402, headers: ['PAYMENT-REQUIRED', '%'], body: undefined })
    if (opened.kind !== 'invalid') throw new Error(`it is ${opened.kind}`)
    expect(opened.reason).toMatch(/\.$/)
    expect(recordOf(opened.case)).toMatchObject({ challengeDigest: '', terms: null })
  })
})
