import { describe, expect, it } from 'vitest'
import { Agenda, played } from './agenda.ts'
import { BLOCK_MS, type Call, ChainModel } from './chain-model.ts'

const seconds = (ms: number) => Math.floor(ms / 1_000)

function chainOf(finality: number, standstill?: { readonly after_ms: number; readonly lasts_ms: number }) {
  const agenda = new Agenda()
  const standstills = standstill
    ? [{ from: agenda.now + standstill.after_ms, until: agenda.now + standstill.after_ms + standstill.lasts_ms }]
    : []
  const chain = new ChainModel(agenda, { finality, standstills })
  const start_s = seconds(agenda.now)
  const call = (nonce: string, window_s = 60): Call => {
    return { kind: 'transfer', nonce, to: '0xa', value: 5n, validAfter_s: start_s - 10, validBefore_s: start_s + window_s }
  }
  const pass = (ms: number) =>
    played(() => {
      const until = agenda.now + ms
      while (agenda.step(until));
      agenda.skipTo(until)
    })
  return { agenda, chain, call, pass, start_s }
}

describe('the chain of the harness', () => {
  it('takes a nonce once, whoever submits it again', async () => {
    const { chain, call, pass } = chainOf(0)
    const outcomes = Promise.all([chain.submit(call('0x1')), chain.submit(call('0x1'))])
    await pass(BLOCK_MS)
    expect((await outcomes).map(({ kind }) => kind)).toEqual(['included', 'reverted'])
  })

  it('takes nothing at or after its end', async () => {
    const { chain, call, pass } = chainOf(0)
    await pass(10_000)
    const late = chain.submit(call('0x1', 10))
    await pass(BLOCK_MS)
    expect(await late).toEqual({ kind: 'reverted', reason: 'authorization is expired' })
  })

  it('calls nothing dead before a final block stands at or after its end', async () => {
    const { chain, call, pass } = chainOf(3)
    const { nonce, validBefore_s } = call('0x1', 10)
    for (let passed = 0; passed <= 10_000 + 4 * BLOCK_MS; passed += 500) {
      expect(chain.dead(nonce, validBefore_s)).toBe(chain.timeOf(chain.finalBlock) >= validBefore_s)
      await pass(500)
    }
    expect(chain.dead(nonce, validBefore_s)).toBe(true)
  })

  it('never calls dead what a final block has taken, and always what one has cancelled', async () => {
    const { chain, call, pass } = chainOf(0)
    void chain.submit(call('0x1'))
    void chain.submit({ ...call('0x2'), kind: 'cancel' })
    await pass(BLOCK_MS)
    expect(chain.dead('0x1', 0)).toBe(false)
    expect(chain.dead('0x2', Number.MAX_SAFE_INTEGER)).toBe(true)
  })

  it('takes back only what is not final', async () => {
    const { chain, call, pass } = chainOf(2)
    void chain.submit(call('0x1'))
    await pass(4 * BLOCK_MS)
    void chain.submit(call('0x2'))
    await pass(BLOCK_MS)
    chain.reorganise(() => false)
    expect(chain.finalUse('0x1')).toBeDefined()
    expect(chain.used('0x2')).toBeUndefined()
  })

  it('makes no block while it stands still, and goes on with the number that follows', async () => {
    const { chain, pass } = chainOf(0, { after_ms: 1, lasts_ms: 60_000 })
    const before = chain.head
    await pass(60_000)
    expect(chain.head - before).toBeLessThanOrEqual(1)
    await pass(2 * BLOCK_MS)
    expect(chain.head - before).toBeGreaterThanOrEqual(2)
  })
})
