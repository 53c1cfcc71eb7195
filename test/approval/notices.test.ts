import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { createLinks } from '../../src/approval/links.ts'
import { createNotices } from '../../src/approval/notices.ts'
import { MAX_NOTICE_ATTEMPTS, NOTICE_RETENTION_MS } from '../../src/people-limits.ts'
import { anApproval, aWindow } from './approvals-at-hand.ts'
import { CONTACTS, hook, noticeRig, TEAM } from './notice-rig.ts'

const ALL = { limit: 100 }

describe('notices', () => {
  it('an approval is told to its owner and to as many as have to decide, and the first to have it starts what waits for that', async () => {
    await using rig = await noticeRig()
    await rig.ledger.approvals.insertApproval(anApproval())
    expect(await rig.notices.tell(anApproval(), 'approval.requested')).toEqual({ queued: 2 })
    await rig.deliver()
    expect(rig.asked()).toEqual(['olga.example', 'anna.example'])
    expect(rig.delivered).toEqual(['apr_1', 'apr_1'])
    expect(rig.counted).toEqual(['webhook delivered', 'webhook delivered'])
  })

  it('two approvers are told where two have to approve', async () => {
    await using rig = await noticeRig()
    await rig.ledger.approvals.insertApproval(anApproval({ required: 2 }))
    await rig.notices.tell(anApproval({ required: 2 }), 'approval.requested')
    await rig.deliver()
    expect(rig.asked()).toEqual(['olga.example', 'anna.example', 'ben.example'])
  })

  it('what is queued is kept: another process delivers it', async () => {
    await using rig = await noticeRig()
    await rig.ledger.approvals.insertApproval(anApproval())
    await rig.notices.tell(anApproval(), 'approval.requested')
    await createNotices(rig.deps).deliverDue()
    expect(rig.asked()).toEqual(['olga.example', 'anna.example'])
    await rig.deliver()
    expect(rig.asked()).toEqual([])
  })

  it('told twice it is sent once', async () => {
    await using rig = await noticeRig()
    await rig.ledger.approvals.insertApproval(anApproval())
    await rig.notices.tell(anApproval(), 'approval.requested')
    await rig.notices.tell(anApproval(), 'approval.requested')
    await rig.deliver()
    expect(rig.asked()).toEqual(['olga.example', 'anna.example'])
  })

  it('only who may decide gets a link, bound to them; no credential is kept', async () => {
    await using rig = await noticeRig({ ...CONTACTS, shared: [TEAM, { ...hook('ops'), name: 'approvals.webhooks[0]' }] })
    await rig.ledger.approvals.insertApproval(anApproval())
    await rig.notices.tell(anApproval(), 'approval.requested')
    await rig.deliver()
    const body = (host: string) => rig.sent.find(({ url }) => url.includes(host))?.body ?? ''
    const [, token = ''] = /https:\/\/purser\.example\/approve\/([^"]+)"/.exec(body('anna')) ?? []
    expect(createLinks(Buffer.alloc(32, 1)).read(token, rig.clock.now())).toMatchObject({
      kind: 'valid',
      link: { approvalId: 'apr_1', person: 'anna', digest: anApproval().digest, kind: 'approval' },
    })
    expect(body('olga')).not.toContain('plt_')
    expect(body('ops')).not.toContain('plt_')
    expect(body('slack')).toContain('plt_')
    const { items } = await rig.ledger.approvals.notices({}, ALL)
    expect(items.length).toBe(4)
    expect(JSON.stringify(items)).not.toMatch(/plt_|canary/)
  })

  it('undelivered is not denied: it goes on to the next channel, then to the next person, until somebody has it', async () => {
    await using rig = await noticeRig()
    await rig.ledger.approvals.insertApproval(anApproval())
    for (const id of ['olga', 'anna']) rig.answers.set(`https://${id}.example/`, 500)
    rig.answers.set('https://relay.example/', 0)
    await rig.notices.tell(anApproval(), 'approval.requested')
    await rig.deliver()
    expect(rig.asked()).toEqual(['olga.example', 'anna.example', 'olga@example.com', 'anna@example.com', 'ben.example'])
    expect(rig.delivered).toEqual(['apr_1'])
    expect(rig.undeliverable).toEqual([])
  })

  it('a window that nobody can be told of is reported as such, an approval is not ended', async () => {
    for (const approval of [aWindow(), anApproval()]) {
      await using rig = await noticeRig({ people: [], shared: [TEAM, { ...hook('ops'), name: 'approvals.webhooks[0]' }] })
      await rig.ledger.approvals.insertApproval(approval)
      for (const { url = '' } of rig.deps.contacts.shared) rig.answers.set(url, 503)
      await rig.notices.tell(approval, approval.kind === 'veto' ? 'veto.opened' : 'approval.requested')
      await rig.deliver()
      expect(rig.undeliverable).toEqual([])
      rig.clock.advance(1_000)
      await rig.deliver()
      expect(rig.undeliverable).toEqual(approval.kind === 'veto' ? ['apr_1'] : [])
      rig.clock.advance(4_000)
      await rig.deliver()
      expect(rig.counted.filter((line) => line.startsWith('undelivered'))).toEqual([`undelivered ${approval.kind} apr_1`])
      expect((await rig.ledger.approvals.approval('apr_1'))?.state).toBe('pending')
    }
  })

  it('where one address has it, a failing other changes nothing', async () => {
    await using rig = await noticeRig({ people: [], shared: [TEAM, { ...hook('ops'), name: 'approvals.webhooks[0]' }] })
    await rig.ledger.approvals.insertApproval(aWindow())
    rig.answers.set(TEAM.url ?? '', 503)
    await rig.notices.tell(aWindow(), 'veto.opened')
    await rig.deliver()
    rig.clock.advance(1_000)
    await rig.deliver()
    expect(rig.delivered).toEqual(['apr_1'])
    expect(rig.undeliverable).toEqual([])
  })

  it('retries wait longer each time, are bounded, and end as a dead letter that a person can send again', async () => {
    await using rig = await noticeRig({ people: [], shared: [hook('ops')] })
    await rig.ledger.approvals.insertApproval(anApproval())
    rig.answers.set('https://ops.example/', 500)
    await rig.notices.tell(anApproval(), 'approval.requested')
    const delays: number[] = []
    for (;;) {
      await rig.deliver()
      const [notice] = (await rig.ledger.approvals.notices({}, ALL)).items
      if (notice?.state !== 'waiting') break
      delays.push(notice.dueAt - rig.clock.now())
      rig.clock.advance(notice.dueAt - rig.clock.now())
    }
    expect(delays).toEqual([1, 4, 16, 64, 256, 1024, 3600, 3600].map((s) => s * 1000))
    expect(rig.sent.length).toBe(MAX_NOTICE_ATTEMPTS)
    expect(await rig.ledger.approvals.deadLetters()).toBe(1)
    const [letter] = (await rig.ledger.approvals.notices({ state: 'dead' }, ALL)).items
    expect(letter?.lastError).toBe('The receiver answered 500.')
    rig.answers.clear()
    await rig.notices.retry(letter?.id ?? '')
    await rig.deliver()
    expect(await rig.ledger.approvals.deadLetters()).toBe(0)
    expect(rig.delivered).toEqual(['apr_1'])
  })

  it('a delivered notice is not sent again, and an unknown one is not found', async () => {
    await using rig = await noticeRig()
    await rig.ledger.approvals.insertApproval(anApproval())
    await rig.notices.tell(anApproval(), 'approval.requested')
    await rig.deliver()
    const [notice] = (await rig.ledger.approvals.notices({}, ALL)).items
    await expect(rig.notices.retry(notice?.id ?? '')).rejects.toMatchObject({ refusal: { code: 'conflict' } })
    await expect(rig.notices.retry('ntc_none')).rejects.toMatchObject({ refusal: { code: 'not_found' } })
  })

  it('mail that nobody sends for us waits to be fetched, and counts when its mailer says so', async () => {
    const letter = { channel: 'email', name: 'people.anna.email', to: 'anna@example.com' } as const
    await using rig = await noticeRig({ people: [{ id: 'anna', roles: ['approver'], addresses: [letter] }], shared: [] })
    await rig.ledger.approvals.insertApproval(aWindow())
    expect(await rig.notices.tell(aWindow(), 'veto.opened')).toEqual({ queued: 0 })
    await rig.deliver()
    const [waiting] = (await rig.ledger.approvals.notices({ state: 'waiting' }, ALL)).items
    expect(JSON.parse(waiting?.payload ?? '').data).toMatchObject({ to: 'anna@example.com', subject: expect.stringContaining('veto') })
    await rig.notices.delivered(waiting?.id ?? '')
    expect(rig.delivered).toEqual(['apr_1'])
    expect(rig.sent).toEqual([])
    await expect(rig.notices.delivered(waiting?.id ?? '')).rejects.toMatchObject({ refusal: { code: 'conflict' } })
  })

  it('what became of it goes to shared addresses, and to whom the question has reached, where it reached them', async () => {
    await using rig = await noticeRig({ ...CONTACTS, shared: [TEAM] })
    await rig.ledger.approvals.insertApproval(anApproval())
    rig.answers.set('https://olga.example/', 500)
    await rig.notices.tell(anApproval(), 'approval.requested')
    await rig.deliver()
    expect(rig.asked()).toEqual(['olga.example', 'anna.example', 'hooks.slack.com', 'olga@example.com'])
    rig.delivered.length = 0
    const vote = { person: 'anna', verdict: 'deny', reason: 'too dear', channel: 'link', at: rig.clock.now() } as const
    const denied = anApproval({ state: 'denied', votes: [vote] })
    await rig.ledger.approvals.replaceApproval({ ...denied, version: 2 })
    expect(await rig.notices.tell(denied, 'approval.decided')).toEqual({ queued: 3 })
    await rig.deliver()
    expect(rig.asked().sort()).toEqual(['anna.example', 'hooks.slack.com', 'olga@example.com'])
    const bodies = rig.sent.slice(-3).map(({ body }) => body)
    for (const body of bodies) expect(body).toMatch(/No by anna.*too dear \(link/)
    expect(bodies.join()).not.toContain('plt_')
    expect(rig.delivered).toEqual([])
  })

  it('what nobody answers goes to one more person, and to nobody twice', async () => {
    await using rig = await noticeRig({ ...CONTACTS, shared: [TEAM] })
    await rig.ledger.approvals.insertApproval(anApproval())
    await rig.notices.tell(anApproval(), 'approval.requested')
    await rig.deliver()
    expect(rig.asked()).toEqual(['olga.example', 'anna.example', 'hooks.slack.com'])
    expect(await rig.notices.tell(anApproval(), 'approval.unanswered')).toEqual({ queued: 1 })
    await rig.deliver()
    expect(rig.asked()).toEqual(['ben.example'])
    expect(rig.sent.at(-1)?.body).toContain('/approve/plt_')
    expect(JSON.parse(rig.sent.at(-1)?.body ?? '')).toMatchObject({ type: 'approval.requested' })
    expect(await rig.notices.tell(anApproval(), 'approval.unanswered')).toEqual({ queued: 0 })
  })

  it('whoever asked ahead is not asked, and gets no link', async () => {
    await using rig = await noticeRig()
    await rig.ledger.approvals.insertApproval(anApproval({ requester: 'anna' }))
    await rig.notices.tell(anApproval({ requester: 'anna' }), 'approval.requested')
    await rig.deliver()
    expect(rig.asked()).toEqual(['olga.example', 'ben.example'])
  })

  it('is forgotten after a month, by the worker, and not while it waits', async () => {
    const looked = Promise.withResolvers<void>()
    await using rig = await noticeRig(CONTACTS, {
      pause: (_ms, signal) => {
        looked.resolve()
        if (signal.aborted) return Promise.resolve()
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }))
      },
    })
    await rig.ledger.approvals.insertApproval(anApproval())
    rig.answers.set('https://anna.example/', 410)
    await rig.notices.tell(anApproval(), 'approval.requested')
    await rig.deliver()
    rig.clock.advance(NOTICE_RETENTION_MS)
    expect(await rig.notices.forgetOld()).toBe(0)
    rig.clock.advance(1)
    rig.notices.start()
    await looked.promise
    await rig.notices.stop()
    expect((await rig.ledger.approvals.notices({}, ALL)).items).toEqual([])
  })

  it('an agent that finds ever new topics fills nobody’s inbox: ten in ten minutes are told, each once', async () => {
    await using rig = await noticeRig()
    const at = rig.clock.now()
    const alert = (topic: string, agent = 'looping') =>
      rig.notices.alert({
        type: 'payment.prohibited',
        sessionId: `ses_${agent}`,
        agent,
        owner: 'olga',
        at,
        sentence: 'It tried.',
        facts: [],
        topic,
      })
    for (let host = 0; host < 12; host++) await alert(`h${host}`)
    const olga = async () =>
      (await rig.ledger.approvals.notices({}, ALL)).items.filter(({ person, channel }) => person === 'olga' && channel === 'webhook').length
    expect(await olga()).toBe(10)
    expect(await alert('h11')).toEqual({ queued: 0 })
    await alert('h1')
    await alert('h1', 'another')
    expect(await olga()).toBe(11)
    rig.clock.advance(600_000)
    const later = { type: 'payment.prohibited', sessionId: 'ses_later', agent: 'looping', owner: 'olga', at: rig.clock.now() }
    expect(await rig.notices.alert({ ...later, sentence: 'It tried.', facts: [] })).not.toEqual({ queued: 0 })
  })

  it('an alert goes to every address of owners, once for the same topic', async () => {
    await using rig = await noticeRig({ ...CONTACTS, shared: [TEAM] })
    const alert = {
      type: 'payment.prohibited',
      sessionId: 'ses_1',
      agent: 'a',
      owner: 'olga',
      at: rig.clock.now(),
      sentence: 'No.',
      facts: [],
    }
    await rig.notices.alert(alert)
    await rig.notices.alert({ ...alert, at: alert.at + 1 })
    await rig.deliver()
    expect(rig.asked().slice(0, 2)).toEqual(['olga.example', 'olga@example.com'])
    expect(rig.sent.length).toBe((await rig.ledger.approvals.notices({}, ALL)).items.length)
  })

  it('the worker sends what is queued without waiting for its next look, survives a failing store, and stops', async () => {
    let failures = 1
    const reached = Promise.withResolvers<void>()
    await using rig = await noticeRig(CONTACTS, {
      onDelivered: async () => reached.resolve(),
      pause: (_ms, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true })),
    })
    const { store } = rig.deps
    const failing = new Proxy(store, {
      get: (target, name: keyof typeof store) => {
        if (name === 'claimNotices' && failures-- > 0) return async () => Promise.reject(new Error('gone'))
        return target[name].bind(target)
      },
    })
    const notices = createNotices({ ...rig.deps, store: failing })
    notices.start()
    await turn()
    await rig.ledger.approvals.insertApproval(anApproval())
    await notices.tell(anApproval(), 'approval.requested')
    await reached.promise
    await notices.stop()
    expect(rig.counted).toContain('Notices to people could not be looked at.')
  })

  it('what is queued past them is sent at once when they are told to hurry', async () => {
    const pausing = Promise.withResolvers<void>()
    await using rig = await noticeRig(CONTACTS, {
      pause: (_ms, signal) => {
        pausing.resolve()
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }))
      },
    })
    rig.notices.start()
    await pausing.promise
    const address = { person: '', channel: 'webhook', target: 'people.olga.webhook' } as const
    const begun = { state: 'waiting', attempts: 0, dueAt: 0, createdAt: 0, deliveredAt: null, lastError: null } as const
    const notice = { id: 'ntc_1', approvalId: null, type: 'payment.settled', payload: '{}', ...address, ...begun }
    await rig.ledger.approvals.queueNotices([notice])
    rig.notices.hurry()
    await vi.waitFor(() => expect(rig.asked()).toEqual(['olga.example']))
    await rig.notices.stop()
  })
})
