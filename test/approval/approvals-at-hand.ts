/** Approvals as values, for tests about how they are shown and told of. */
import type { Approval, Shown } from '../../src/approval/approval.ts'

export const HIRE: Shown = {
  method: 'POST',
  url: 'https://agents.example/hire?plan=pro',
  host: 'agents.example',
  bodyDigest: 'b'.repeat(64),
  rail: 'x402',
  scheme: 'exact',
  flow: 'authorization',
  network: 'eip155:84532',
  asset: { symbol: 'USDC', address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', decimals: 6 },
  amountAtomic: 89_000_000n,
  amount: 89_000_000n,
  currency: 'USD',
  payTo: '0x2222222222222222222222222222222222222222',
  purpose: 'liquidity report',
  owner: 'olga',
  justification: 'needs a second opinion',
  tool: null,
  task: 'task-7',
  categories: ['agent_hire'],
  trust: 'known',
  tier: 'collaborative',
  reason: 'The tier collaborative asks a person.',
  policyVersion: 'abc',
  remaining: 100_000_000n,
  changes: ['The price was $80.00 last time.'],
  untrusted: null,
}

/** A pending question about an $89 agent hire. */
export function anApproval(more: Partial<Approval> = {}): Approval {
  const now = Date.parse('2026-06-27T12:00:00Z')
  return {
    ...{ id: 'apr_1', kind: 'approval', state: 'pending', sessionId: 'ses_1', agent: 'procurement', digest: 'd'.repeat(64) },
    ...{ paymentId: 'pay_1', shown: HIRE, required: 1, votes: [], createdAt: now, expiresAt: now + 4 * 3_600_000 },
    ...{ window: null, noticedAt: null, escalateAt: null, decidedAt: null, usedAt: null, version: 1 },
    ...more,
  }
}

/** A veto window of thirty seconds that nobody has been told of yet. */
export function aWindow(more: Partial<Approval> = {}): Approval {
  const approval = anApproval()
  return { ...approval, kind: 'veto', window: { length_ms: 30_000, startedAt: null }, expiresAt: approval.createdAt + 60_000, ...more }
}

/** What a hostile server or agent might write: each in one line, with what must not be in the cleaned text. */
export const HOSTILE_TEXTS: readonly (readonly [name: string, text: string])[] = [
  ['bidi override', 'pay \u202e00.1$\u202c now'],
  ['bidi isolate', '\u2066hidden\u2069 \u2067text'],
  ['arabic letter mark', 'a\u061cb'],
  ['zero width', 'a\u200bd\u200cm\u200di\u2060n\ufeff'],
  ['tag characters', `ok${String.fromCodePoint(0xe0041, 0xe0042, 0xe007f)}`],
  ['ANSI colours', '\u001b[31mred\u001b[0m \u009b2J'],
  ['ANSI cursor', '\u001b[2K\u001b[1AApproved by ops'],
  ['ANSI title', '\u001b]0;owned\u0007rest'],
  ['ANSI hyperlink', '\u001b]8;;https://evil.example\u001b\\click\u001b]8;;\u001b\\'],
  ['line breaks', 'one\r\nRecipient: 0xdead\u2028two\u2029three\u0085four\vfive'],
  ['NUL and backspace', 'a\u0000b\b\b\bc\u007f'],
  ['script', '<script>fetch("/approve")</script>'],
  ['image', '"><img src=x onerror=alert(1)>'],
  ['svg', "'><svg/onload=alert`1`>"],
  ['form', '</td></tr></table><form action="https://evil.example"><button>Approve</button>'],
  ['entities', '&lt;b&gt; &amp;#60;'],
  ['Slack mention', '<!channel> <@U1> <https://evil.example|your bank> *bold* _it_ `code`'],
  ['markdown link', '[your bank](https://evil.example)'],
  ['lone surrogate', 'a\ud800b\udc00'],
  ['private use', '\ue000\uf8ff'],
  ['blank letters', 'a\u3164\u115f\u2800b'],
  ['piled marks', `Z${'\u0301'.repeat(200)}algo`],
  ['endless', 'x'.repeat(100_000)],
]
