import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { TOOLS } from '../../src/mcp/tools.ts'
import { BALANCE, DENIED, doorAnswering, SETTLED } from './door.ts'

const toolNamed = (name: string) => {
  const tool = TOOLS.find((one) => one.name === name)
  if (!tool) throw new Error(`no tool ${name}`)
  return tool
}

async function use(name: string, input: Record<string, unknown>, answers: Record<string, readonly unknown[]>) {
  const tool = toolNamed(name)
  const door = doorAnswering(answers)
  const told = await tool.run(door, tool.input.parse(input))
  return { ...told, asked: door.asked, fits: tool.output.safeParse(told.data).success }
}

const APPROVAL = { tier: 'asking', status: 'awaiting_approval', auditId: 'aud-1', reason: 'A person decides.', approvalId: 'apr_1' }

describe('each tool makes one kind of request at the agent’s own door, and nothing else', () => {
  it.each([
    ['check_balance', { task: 'a b' }, { 'GET /v1/session': [BALANCE] }, ['GET', '/v1/session?task=a+b'], '4.20 USD remain of 5.00 USD'],
    [
      'list_payments',
      { task: 'a b', limit: 5 },
      { 'GET /v1/session/payments': [{ items: [SETTLED], next: null }] },
      ['GET', '/v1/session/payments?task=a+b&limit=5'],
      'pay_1: settled, 0.001 USD',
    ],
    [
      'explain_refusal',
      { paymentId: 'pay_2' },
      { 'GET /v1/session/payments/pay_2': [DENIED] },
      ['GET', '/v1/session/payments/pay_2'],
      'What to do:',
    ],
    [
      'quote',
      { url: 'https://a.example/x' },
      { 'POST /v1/quote': [{ payable: true, amount: '0.01', currency: 'USD', tier: 'autonomous', reason: 'It fits.' }] },
      ['POST', '/v1/quote', { url: 'https://a.example/x', method: 'GET' }],
      'It would be paid at once.',
    ],
    [
      'request_approval',
      { amount: '89', category: 'hire', recipient: 'a.example', justification: 'why' },
      { 'POST /v1/session/requests': [APPROVAL] },
      ['POST', '/v1/session/requests', { kind: 'approval', amount: '89', category: 'hire', recipient: 'a.example', justification: 'why' }],
      'A person decides. Approval apr_1. People have been asked.',
    ],
    [
      'request_topup',
      { amount: '5', justification: 'why' },
      { 'POST /v1/session/requests': [{ status: 'asked', reason: 'alice is told.' }] },
      ['POST', '/v1/session/requests', { kind: 'topup', amount: '5', justification: 'why' }],
      'alice is told.',
    ],
  ] as const)('%s', async (name, input, answers, asked, said) => {
    const used = await use(name, input, answers)
    expect(used.asked).toEqual([asked])
    expect(used.text).toContain(said)
    expect(used.fits).toBe(true)
  })
})

/** What each tool takes at the least. */
const ENOUGH: Readonly<Record<string, object>> = {
  quote: { url: 'https://a.example/x' },
  request_approval: { amount: '89', category: 'hire', recipient: 'a.example', justification: 'why' },
  request_topup: { amount: '5', justification: 'why' },
}

it('no tool takes what would widen what the agent may do', () => {
  const takes = TOOLS.map(({ name, input }) => [name, Object.keys((z.toJSONSchema(input, { io: 'input' }).properties as object) ?? {})])
  expect(takes).toEqual([
    ['check_balance', ['task']],
    ['list_payments', ['task', 'limit', 'cursor']],
    ['explain_refusal', ['paymentId']],
    ['quote', ['url', 'method']],
    ['request_approval', ['amount', 'category', 'recipient', 'justification', 'network']],
    ['request_topup', ['amount', 'justification']],
  ])
  for (const { input, name } of TOOLS) {
    const taken = ENOUGH[name] ?? {}
    expect(input.safeParse(taken).success, name).toBe(true)
    for (const more of [{ recipientTrust: 'verified' }, { session: 'ses_2' }, { grant: true }])
      expect(input.safeParse({ ...taken, ...more }).success, `${name} ${JSON.stringify(more)}`).toBe(false)
  }
})

it.each(['../children', '../../session', 'pay_1/../../session', 'pay_1?session=ses_2', 'pay_1#', '', '.', 'x'.repeat(101)])(
  'no id of a payment leads to another place of the door: %j',
  (paymentId) => {
    expect(toolNamed('explain_refusal').input.safeParse({ paymentId }).success).toBe(false)
  },
)

it('what a door says beyond the schema does not come out', async () => {
  const { data } = await use('check_balance', {}, { 'GET /v1/session': [{ ...BALANCE, token: 'secret', wallet: { address: '0x1' } }] })
  expect(Object.keys(data).sort()).toEqual(Object.keys(BALANCE).sort())
})
