import { describe, expect, it } from 'vitest'
import type { ApprovalNews } from '../../src/approval/approvals.ts'
import { noticeOf, noticeOfAlert, type OnNotice, tell } from '../../src/governance/notices.ts'
import { approvalOf } from '../approval/facts.ts'
import { countingIds } from '../clock.ts'

const APPROVAL = approvalOf({ ids: countingIds(), now: 1_782_000_000_000 })

function telling(onNotice: OnNotice) {
  const [told, warned]: [string[], string[]] = [[], []]
  const onTold = async (id: string) => told.push(id)
  return { told, warned, means: { onNotice, onTold, warned: (sentence: string) => warned.push(sentence) } }
}

describe('a notice', () => {
  it('says in words what people decide on, and by which id', () => {
    const notice = noticeOf(APPROVAL, 'approval.requested')
    expect(notice).toMatchObject({ type: 'approval.requested', approvalId: APPROVAL.id, headline: expect.stringContaining(APPROVAL.agent) })
    expect(notice.facts.length).toBeGreaterThan(3)
    expect(JSON.parse(JSON.stringify(notice))).toEqual(notice)
  })

  it('of an alert has its sentence and its facts, cleaned', () => {
    const alert = { type: 'payment.prohibited', sessionId: 's', agent: 'a', owner: 'o', at: 1, sentence: 'No.' }
    expect(noticeOfAlert({ ...alert, facts: [['Resource', 'https://x\u202e']] })).toEqual({
      ...{ type: 'payment.prohibited', headline: 'No.' },
      facts: [{ label: 'Resource', value: 'https://x' }],
    })
  })

  it.each<[string, OnNotice, ApprovalNews, boolean]>([
    ['true proves that somebody has it', () => true, 'approval.requested', true],
    ['a promise of true too', async () => true, 'veto.opened', true],
    ['nothing proves nothing', () => undefined, 'veto.opened', false],
    ['what merely looks true neither', () => 'yes', 'veto.opened', false],
    ['news of a decision begins nothing', () => true, 'approval.decided', false],
  ])('%s', async (_, onNotice, type, proven) => {
    const { told, means } = telling(onNotice)
    await tell(noticeOf(APPROVAL, type), means)
    expect(told).toEqual(proven ? [APPROVAL.id] : [])
  })

  it('whose teller throws is warned of, and harms nobody', async () => {
    const { told, warned, means } = telling(() => {
      throw new Error('no mail')
    })
    await tell(noticeOf(APPROVAL, 'veto.opened'), means)
    expect([told, warned]).toEqual([[], ['onNotice failed for veto.opened.']])
  })
})
