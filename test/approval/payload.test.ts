import { describe, expect, it } from 'vitest'
import { payloadOf } from '../../src/approval/payload.ts'
import { anApproval } from './approvals-at-hand.ts'

const SUBJECT = { type: 'approval.requested', at: 0, approval: anApproval() }
const WAY = { link: 'https://purser.example/approve/plt_x.y', token: 'plt_z.w' }

describe('payload', () => {
  it('each channel gets its own form', () => {
    expect(JSON.parse(payloadOf(SUBJECT, { channel: 'webhook' })).data.id).toBe('apr_1')
    expect(JSON.parse(payloadOf(SUBJECT, { channel: 'email', to: 'olga@example.com' })).data.to).toBe('olga@example.com')
    expect(JSON.parse(payloadOf(SUBJECT, { channel: 'slack' })).blocks[0].type).toBe('header')
  })

  it.each(['webhook', 'email', 'slack'] as const)('what is kept of a %s holds no credential; what is sent holds one', (channel) => {
    expect(payloadOf(SUBJECT, { channel })).not.toContain('plt_')
    expect(payloadOf(SUBJECT, { channel }, WAY)).toContain('plt_')
  })
})
