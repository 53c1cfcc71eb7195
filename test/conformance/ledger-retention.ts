/** Retention: what is old and final leaves for files, nothing is lost by it, and nothing leaves that somebody still looks at. */
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCheckpointSigner } from '../../src/audit/checkpoint.ts'
import { createPass, type PassDeps } from '../../src/ledger/archive/pass.ts'
import { withArchive } from '../../src/ledger/archive/records.ts'
import type { Ledger, PageRequest, ReserveRequest } from '../../src/ledger/ledger.ts'
import type { RetentionStore } from '../../src/ledger/retention.ts'
import {
  authorizationFor,
  CLAIMED,
  COMPLETE,
  CONFIRMABLE,
  NEVER_SIGNED,
  OTHER_PAY_TO,
  type RequestChanges,
  usd,
} from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'
import { channelSteps, newChannel } from './ledger-channel-steps.ts'

const DAY_MS = 86_400_000
const AFTER_MS = 90 * DAY_MS
const LONG_AGO_MS = AFTER_MS + 2 * DAY_MS

export function retentionConformance(bench: () => Bench): void {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'purser-archive-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const signer = createCheckpointSigner(Buffer.alloc(32, 7))
  const passOver = (ledger: Pick<Ledger, 'retention'> = bench().ledger, changes: Partial<PassDeps> = {}) =>
    createPass({
      ledger: new Proxy(bench().ledger, {
        get: (target, name) => {
          const member: unknown = name === 'retention' ? ledger.retention : Reflect.get(target, name)
          return typeof member === 'function' ? member.bind(target) : member
        },
      }),
      seal: () => bench().ledger.checkpoint(signer),
      ...{ folder, after_ms: AFTER_MS, pricesOver_ms: () => 0, receivers: [], confirmable: [CONFIRMABLE] },
      ...{ clock: bench().clock, ids: bench().ids, pause: async () => undefined },
      events: { archived: () => undefined, retentionPassed: () => undefined, warned: () => undefined },
      ...changes,
    })
  const records = () => withArchive(bench().ledger, folder)
  const whole = async () => {
    const verdict = await records().verifyReceipts()
    return { ok: verdict.ok, count: verdict.count, why: verdict.brokenAt?.why }
  }

  async function paid(sessionId: string, changes: RequestChanges = {}): Promise<ReserveRequest> {
    const request = bench().make.request(sessionId, usd(0.01), changes)
    const reservation = await bench().sign(request)
    await reservation.post(CLAIMED)
    await reservation.delivered(COMPLETE)
    reservation.release()
    return request
  }

  /** A report of today is kept: days without one stay. */
  const reported = (ledger = bench().ledger) => {
    const date = new Date(bench().clock.now()).toISOString().slice(0, 10)
    return ledger.reports.keep({ date, final: true, madeAt: bench().clock.now(), text: '{}' })
  }

  /** Time goes by, and something young is there: the newest entries never leave. */
  async function grownOld(): Promise<void> {
    await reported()
    bench().clock.advance(LONG_AGO_MS)
    await reported()
    const { id } = await bench().openSession()
    await paid(id)
    await paid(id)
    await bench().settled(id)
  }

  async function everything<T>(
    read: (page: PageRequest) => Promise<{ readonly items: readonly T[]; readonly next: string | null }>,
    limit: number,
  ) {
    const items: T[] = []
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await read({ limit, ...(cursor && { cursor }) })
      items.push(...page.items)
      cursor = page.next
    }
    return items
  }
  const inLedger = async (id: string) => (await bench().ledger.payment(id)) !== undefined

  describe('retention', () => {
    it('moves old payments and receipts out of the tables, and the records are as they were', async () => {
      const { id } = await bench().openSession()
      const requests = [
        await paid(id),
        await paid(id, { attempt: { tool: 'web_search', context: { trace: 'a'.repeat(32), onBehalfOf: ['ann'] } } }),
      ]
      const refusal = { code: 'session_expired', detail: 'It is over.' } as const
      await bench().ledger.refuse(bench().make.attempt(id), refusal)
      await grownOld()
      const [payments, receipts, balance] = [
        await everything((page) => bench().ledger.payments({}, page), 2),
        await everything((page) => bench().ledger.receipts({}, page), 2),
        await bench().balance(id),
      ]
      expect(await passOver().round()).toEqual({ receipts: 5, payments: 3 })
      expect(await inLedger(requests[0]?.paymentId ?? '')).toBe(false)
      for (const limit of [1, 2, 3, 1_000]) {
        expect(await everything((page) => records().payments({}, page), limit)).toEqual(payments)
        expect(await everything((page) => records().receipts({}, page), limit)).toEqual(receipts)
      }
      for (const payment of payments) expect(await records().payment(payment.id)).toEqual(payment)
      for (const receipt of receipts) expect(await records().receipt(receipt.id)).toEqual(receipt)
      expect(await bench().balance(id)).toEqual(balance)
      expect(await whole()).toEqual({ ok: true, count: receipts.length, why: undefined })
    })

    it('finds what has left by every filter', async () => {
      const { id } = await bench().openSession()
      const request = await paid(id, {
        attempt: {
          tool: 'web_search',
          task: 't1',
          agent: 'other',
          tier: 'small',
          host: 'b.example',
          url: 'https://b.example/x',
          context: { trace: 'b'.repeat(32), onBehalfOf: ['ann'] },
        },
        terms: { payTo: OTHER_PAY_TO },
      })
      await paid(id)
      const { decidedAt } = request.attempt
      await grownOld()
      await passOver().round()
      const filters = [
        ...[
          { session: id, task: 't1' },
          { agent: 'other' },
          { tool: 'web_search' },
          { tier: 'small' },
          { recipient: OTHER_PAY_TO.toUpperCase().replace('0X', '0x') },
        ],
        ...([
          { recipient: 'B.example' },
          { onBehalfOf: 'ann' },
          { trace: 'b'.repeat(32) },
          { state: 'settled', tool: 'web_search' },
          { since: decidedAt, until: decidedAt + 1, tool: 'web_search' },
        ] as const),
      ]
      for (const filter of filters) {
        const found = (await everything((page) => records().payments(filter, page), 10)).map((payment) => payment.id)
        expect([filter, found]).toEqual([filter, [request.paymentId]])
      }
      for (const filter of [{ state: 'unknown' }, { disputed: true }, { session: 'ses_none' }, { state: 'void' }] as const)
        expect([filter, await everything((page) => records().payments(filter, page), 10)]).toEqual([filter, []])
      for (const filter of [
        { payment: request.paymentId },
        { tool: 'web_search' },
        { recipient: 'b.example' },
        { trace: 'b'.repeat(32) },
      ]) {
        const found = await everything((page) => records().receipts(filter, page), 1)
        expect([filter, found.map(({ paymentId }) => paymentId)]).toEqual([filter, [request.paymentId, request.paymentId]])
      }
    })

    it('changes nothing that has left, and says so', async () => {
      const { id } = await bench().openSession()
      const { paymentId } = await paid(id)
      await grownOld()
      await passOver().round()
      const refund = { paymentId, source: 's', amountAtomic: 1n, evidence: 'e', by: 'ann', at: bench().clock.now() }
      await expect(records().refund(refund)).rejects.toMatchObject({
        refusal: { code: 'conflict', detail: expect.stringContaining('archive') },
      })
      await expect(records().refund({ ...refund, paymentId: 'pay_none' })).rejects.toMatchObject({ refusal: { code: 'not_found' } })
    })

    it('takes what was signed for a voucher along, and leaves the deposit of its channel', async () => {
      const { deposit, voucher, tell, vouch, current } = channelSteps(bench)
      const { id } = await bench().openSession()
      const brought = deposit(id)
      const channel = await bench().ledger.channels.open(newChannel(bench(), id))
      const bought = voucher(id)
      const said = { state: 'open', deposited: usd(5), charged: usd(1), over: brought.paymentId } as const
      for (const [request, more] of [[brought, { deposit: usd(5) }] as const, [bought, {}] as const]) {
        const reservation = await bench().reserve(request)
        const at = await current(channel)
        const pending = await vouch(at, { paymentId: request.paymentId, cumulative: at.charged + usd(1), ...more })
        await reservation.record(authorizationFor(request))
        await reservation.post(CLAIMED)
        await reservation.delivered(COMPLETE)
        reservation.release()
        await tell(pending, request === brought ? said : { charged: usd(2), over: bought.paymentId })
      }
      await grownOld()
      await passOver().round()
      expect([await inLedger(bought.paymentId), await inLedger(brought.paymentId)]).toEqual([false, true])
      expect(await records().payment(bought.paymentId)).toMatchObject({ terms: { method: 'voucher' } })
      const { channels } = bench().ledger
      expect([await channels.voucher(bought.paymentId), await channels.voucher(brought.paymentId)]).toMatchObject([undefined, { base: 0n }])
    })

    it('lets a chain go on behind what has left, and a second pass goes on where the first one ended', async () => {
      const { id } = await bench().openSession({ expiresAt: bench().clock.now() + 10 * LONG_AGO_MS })
      await paid(id)
      await grownOld()
      expect(await passOver().round()).toMatchObject({ receipts: 2, payments: 0 })
      await paid(id)
      expect(await whole()).toMatchObject({ ok: true, count: 8 })
      await bench().ledger.checkpoint(signer)
      expect(await passOver().round()).toEqual({ receipts: 0, payments: 0 })
      await grownOld()
      expect(await passOver().round()).toMatchObject({ receipts: 6 })
      expect(await whole()).toMatchObject({ ok: true, count: 12 })
    })
  })

  describe('what leaves', () => {
    /** What each payment needs to be old for, and still stays for. */
    const stays: Record<string, (sessionId: string) => Promise<string>> = {
      'is reserved': async (id) => (await bench().reserve(bench().make.request(id, usd(0.01)))).paymentId,
      'is unknown': async (id) => {
        const reservation = await bench().sign(bench().make.request(id, usd(0.01)))
        await reservation.leaveUnknown('The connection broke.')
        return reservation.paymentId
      },
      'is expired, which people may correct': async (id) => {
        const reservation = await bench().sign(bench().make.request(id, usd(0.01)))
        await reservation.leaveUnknown('The connection broke.')
        await bench().ledger.resolve(reservation.paymentId, { kind: 'expired', reason: 'Its window closed.' })
        return reservation.paymentId
      },
      'is under dispute': async (id) => {
        const reservation = await bench().sign(bench().make.request(id, usd(0.01)))
        await reservation.leaveUnknown('The connection broke.')
        const shown = { transaction: '0xaa', block: 7n, reason: 'The chain shows it.' }
        await bench().ledger.resolve(reservation.paymentId, { kind: 'settled', evidence: 'confirmed', ...shown })
        return reservation.paymentId
      },
      'was paid back': async (id) => {
        const { paymentId } = await paid(id)
        await bench().ledger.refund({ paymentId, source: 's', amountAtomic: 10n, evidence: 'e', by: 'ann', at: bench().clock.now() })
        return paymentId
      },
      'waits for the chain’s word': async (id) => (await paid(id, { terms: { network: CONFIRMABLE } })).paymentId,
      'was not delivered': async (id) => {
        const reservation = await bench().sign(bench().make.request(id, usd(0.01)))
        await reservation.post(CLAIMED)
        return reservation.paymentId
      },
    }
    it.each(Object.entries(stays))('is no payment that %s', async (_, make) => {
      const { id } = await bench().openSession()
      const kept = await make(id)
      await grownOld()
      await passOver().round()
      expect(await inLedger(kept)).toBe(true)
      expect(await whole()).toMatchObject({ ok: true })
    })

    it('is no payment of a session that may still pay', async () => {
      const { id } = await bench().openSession({ expiresAt: bench().clock.now() + 2 * LONG_AGO_MS })
      const { paymentId } = await paid(id)
      await grownOld()
      await passOver().round()
      expect(await inLedger(paymentId)).toBe(true)
      await bench().ledger.close(id)
      await passOver().round()
      expect(await inLedger(paymentId)).toBe(false)
    })

    it('is nothing that is younger than the configured age, nor within the time in which prices are compared', async () => {
      const { id } = await bench().openSession()
      await paid(id)
      await grownOld()
      expect(await passOver(undefined, { after_ms: LONG_AGO_MS + DAY_MS }).round()).toEqual({ receipts: 0, payments: 0 })
      expect(await passOver(undefined, { pricesOver_ms: () => LONG_AGO_MS + DAY_MS }).round()).toEqual({ receipts: 0, payments: 0 })
      expect(await passOver().round()).toEqual({ receipts: 2, payments: 1 })
    })

    it('is nothing of a day whose report is not kept yet', async () => {
      const { id } = await bench().openSession()
      await paid(id)
      bench().clock.advance(LONG_AGO_MS)
      await paid((await bench().openSession()).id)
      expect(await passOver().round()).toEqual({ receipts: 0, payments: 0 })
      await reported()
      expect(await passOver().round()).toEqual({ receipts: 2, payments: 1 })
    })

    it('is nothing that those who keep the books were not told', async () => {
      const { told } = bench().ledger
      const { id } = await bench().openSession()
      const first = await paid(id)
      await bench().settled(id)
      const to = await told.settledPlace(0n)
      const second = await paid(id)
      await grownOld()
      await told.tell({ receiver: 'books', from: undefined, to, notices: [] })
      expect(await passOver(undefined, { receivers: ['books'] }).round()).toEqual({ receipts: 2, payments: 1 })
      expect([await inLedger(first.paymentId), await inLedger(second.paymentId)]).toEqual([false, true])
    })

    it('is never the newest entry, so that places and ids never come again', async () => {
      const { id } = await bench().openSession()
      const last = await paid(id)
      await bench().settled(id)
      bench().clock.advance(LONG_AGO_MS)
      await reported()
      expect(await passOver().round()).toEqual({ receipts: 1, payments: 0 })
      expect(await inLedger(last.paymentId)).toBe(true)
      await paid((await bench().openSession()).id)
      expect(await whole()).toMatchObject({ ok: true, count: 4 })
    })

    it('is never the newest payment, though all its receipts have left', async () => {
      const { id } = await bench().openSession()
      const { paymentId } = await paid(id)
      const newest = await paid(id)
      await bench().ledger.refund({ paymentId, source: 's', amountAtomic: 1n, evidence: 'e', by: 'ann', at: bench().clock.now() })
      bench().clock.advance(LONG_AGO_MS)
      await reported()
      expect(await passOver().round()).toEqual({ receipts: 4, payments: 0 })
      expect(await inLedger(newest.paymentId)).toBe(true)
    })

    it('voided payments and refusals leave, and an identical refusal after that is a new one', async () => {
      const { id } = await bench().openSession()
      await (await bench().reserve(bench().make.request(id, usd(0.01)))).void(NEVER_SIGNED)
      const refuse = () => bench().ledger.refuse(bench().make.attempt(id), { code: 'session_expired', detail: 'It is over.' })
      await refuse()
      const { paymentId: before } = await refuse()
      await grownOld()
      expect(await passOver().round()).toMatchObject({ payments: 2 })
      const { paymentId: after } = await refuse()
      expect(after).not.toBe(before)
      expect(await records().payment(before ?? '')).toMatchObject({ state: 'denied', count: 2 })
      expect(await whole()).toMatchObject({ ok: true })
    })
  })

  describe('a process that dies while it hands over', () => {
    /** The store of a process that is killed right before or after its step of this number is on the disk. */
    const dying = (at: number, when: 'before' | 'after'): Pick<Ledger, 'retention'> => {
      const { retention } = bench().ledger
      let steps = 0
      const handOver: RetentionStore['handOver'] = async (handover) => {
        steps += 1
        if (steps < at) return retention.handOver(handover)
        if (when === 'after') await retention.handOver(handover)
        throw new Error('killed here')
      }
      const killed: RetentionStore = {
        handOver,
        hold: (until) => retention.hold(until),
        newest: () => retention.newest(),
        paymentsBehind: (place, limit) => retention.paymentsBehind(place, limit),
        segmentsAfter: (number, limit) => retention.segmentsAfter(number, limit),
        segments: (query) => retention.segments(query),
      }
      return { retention: killed }
    }

    it.each([
      [1, 'before'],
      [1, 'after'],
      [2, 'before'],
      [2, 'after'],
    ] as const)('G9: loses nothing and repeats nothing: killed %s. step, %s it is on the disk', async (at, when) => {
      const { id } = await bench().openSession()
      await paid(id)
      await paid(id)
      await grownOld()
      const all = [
        await everything((page) => bench().ledger.payments({}, page), 100),
        await everything((page) => bench().ledger.receipts({}, page), 100),
      ]
      await expect(passOver(dying(at, when)).round()).rejects.toThrow('killed here')
      await bench().store.restart()
      bench().clock.advance(3_600_000)
      const listed = async () => [
        await everything((page) => records().payments({}, page), 100),
        await everything((page) => records().receipts({}, page), 100),
      ]
      expect(await listed()).toEqual(all)
      expect(await whole()).toMatchObject({ ok: true, count: 8 })
      await passOver().round()
      expect(await listed()).toEqual(all)
      expect(await whole()).toMatchObject({ ok: true, count: 8 })
      expect(await bench().ledger.payments({ session: id }, { limit: 1 })).toMatchObject({ items: [] })
    })

    it('leaves in the tables what changed between reading and handing over', async () => {
      const { id } = await bench().openSession()
      const { paymentId } = await paid(id)
      await grownOld()
      const { retention } = bench().ledger
      const overtaken = new Proxy(retention, {
        get: (target, name) => {
          const member: unknown = Reflect.get(target, name)
          if (name !== 'handOver') return typeof member === 'function' ? member.bind(target) : member
          return async (handover: Parameters<RetentionStore['handOver']>[0]) => {
            const refund = { paymentId, source: 's', amountAtomic: 1n, evidence: 'e', by: 'ann', at: bench().clock.now() }
            if (handover.segment.kind === 'payments') await bench().ledger.refund(refund)
            return target.handOver(handover)
          }
        },
      })
      expect(await passOver({ retention: overtaken }).round()).toEqual({ receipts: 2, payments: 0 })
      expect(await bench().ledger.payment(paymentId)).toMatchObject({ refunded: 1n })
      expect(await whole()).toMatchObject({ ok: true })
    })
  })

  describe('an archive that is not as it was', () => {
    const file = async (kind: 'receipts' | 'payments') => join(folder, (await readdir(folder)).find((name) => name.startsWith(kind)) ?? '')
    beforeEach(async () => {
      const { id } = await bench().openSession()
      await paid(id)
      await paid(id)
      await grownOld()
      await passOver().round()
      expect(await whole()).toMatchObject({ ok: true })
    })

    it.each(['receipts', 'payments'] as const)('is found by its hash where %s were altered, and named', async (kind) => {
      const path = await file(kind)
      const bytes = await readFile(path)
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
      await writeFile(path, bytes)
      expect(await whole()).toMatchObject({ ok: false, why: expect.stringMatching(new RegExp(`${kind}-.*gz was altered`)) })
    })

    it.each(['receipts', 'payments'] as const)('is found where %s were cut or taken away', async (kind) => {
      const path = await file(kind)
      await truncate(path, 20)
      expect(await whole()).toMatchObject({ ok: false, why: expect.stringContaining('was cut') })
      await rm(path)
      expect(await whole()).toMatchObject({ ok: false, why: expect.stringContaining('is missing') })
    })

    it('is found where a file was replaced by an older one', async () => {
      const path = await file('receipts')
      const older = await readFile(path)
      const { id } = await bench().openSession()
      await paid(id)
      await grownOld()
      await passOver().round()
      const newer = (await readdir(folder)).filter((name) => name.startsWith('receipts')).map((name) => join(folder, name))
      await writeFile(newer.find((name) => name !== path) ?? '', older)
      expect(await whole()).toMatchObject({ ok: false, why: expect.stringMatching(/was altered|was cut/) })
    })

    it('is told with its name to whoever asks for something in it', async () => {
      const [payment] = (await everything((page) => records().payments({}, page), 100)).slice(-1)
      await rm(await file('payments'))
      const fault = { refusal: { code: 'archive_unavailable', detail: expect.stringMatching(/payments-.*gz is missing/) } }
      await expect(records().payment(payment?.id ?? '')).rejects.toMatchObject(fault)
      await expect(everything((page) => records().payments({}, page), 100)).rejects.toMatchObject(fault)
    })
  })
}
