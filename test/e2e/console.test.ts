/** The console as people use it: signing in, looking, deciding, with real money of the local chain in a real browser. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { HOSTILE_TEXTS } from '../approval/approvals-at-hand.ts'
import { type Asked, type ConsoleRig, foreignIn, NOTHING_FOREIGN, startConsole } from './console-rig.ts'
import type { OpenSession } from './purser.ts'

let rig: ConsoleRig
let session: OpenSession

beforeAll(async () => {
  rig = await startConsole()
  session = await rig.openSession({ cap: '500.00', agent: 'procurement-agent', purpose: 'Liquidity report for the second quarter' })
}, 120_000)
afterAll(() => rig?.[Symbol.asyncDispose]())

interface Waiting {
  readonly id: string
  readonly state: string
}

const approvals = (query: string) => rig.api<{ items: Waiting[] }>(`/v1/approvals?limit=1000&${query}`)
const denyAll = async () => {
  for (const { id } of (await approvals('state=pending')).items) await rig.api(`/v1/approvals/${id}/deny`, { reason: 'over' })
}
const questions = (page: Page) => page.getByRole('region', { name: 'Questions' }).getByRole('link')

/** A question of this session, open before a page that follows the news. */
async function asked(path: string, headers: Record<string, string> = {}): Promise<{ page: Page; answer: Promise<Asked> }> {
  const page = await rig.open('/approvals')
  await page.getByText('live', { exact: true }).waitFor()
  const before = await questions(page).count()
  const answer = rig.buy(session, path, headers)
  answer.catch(() => undefined)
  // Nobody reloads anything: the news bring it.
  await questions(page).nth(before).waitFor()
  await page.getByRole('heading', { level: 2 }).first().waitFor()
  return { page, answer }
}

describe('signing in', () => {
  it('a wrong token is told, a right one enters, and the page keeps neither', async () => {
    const page = await rig.visit()
    await rig.signIn(page, 'not-the-token-of-anybody')
    await page.getByRole('alert').waitFor()
    await rig.signIn(page)
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    const kept = await page.evaluate('JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }])')
    expect(kept).not.toContain(rig.adminToken)
    const [cookie] = await page.context().cookies()
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
    expect(kept).not.toContain(cookie?.value)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Admin token').waitFor()
    await page.reload()
    await page.getByLabel('Admin token').waitFor()
    await page.close()
  })

  it('an auditor reads and is offered no answer', async () => {
    const { token } = await rig.api<{ token: string }>('/v1/tokens', { role: 'auditor' })
    const { page, answer } = await asked('/audit?for=auditor')
    const reader = await rig.visit()
    await rig.signIn(reader, token)
    await reader.goto(`${rig.app().adminUrl}/#/approvals`)
    await reader.getByText('Your role reads; approvers decide.').waitFor()
    expect(await reader.getByRole('button', { name: 'Approve' }).count()).toBe(0)
    await decide(page, 'd')
    expect((await answer).body.code).toBe('approval_denied')
    await Promise.all([page.close(), reader.close()])
  })
})

async function decide(page: Page, key: 'a' | 'd'): Promise<void> {
  await page.getByRole('timer').waitFor()
  await page.keyboard.press(key)
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press(key)
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

describe('the overview', () => {
  it('shows what was really spent, and what is spent meanwhile, without a reload', async () => {
    const page = await rig.open('/')
    await page.getByText('live', { exact: true }).waitFor()
    expect((await rig.buy(session, '/forecast?city=Lisbon')).status).toBe(200)
    await page.locator('.figure', { hasText: 'Spent in the last hour' }).getByText('$0.25').waitFor()
    await page.getByRole('link', { name: /\/forecast\?city=Lisbon/ }).waitFor()
    expect((await rig.buy(session, '/roulette')).body.code).toBe('tier_prohibited')
    await page.locator('.counts', { hasText: 'tier prohibited' }).waitFor()
    await page.getByText('autonomous $0.25 in 1 payment').waitFor()
    await page.close()
  })
})

describe('approving', () => {
  it('a, and a once more: the agent is served, the merchant has the money', async () => {
    const { page, answer } = await asked('/hire?task=1')
    const before = await rig.testnet.balanceOf(rig.market.merchant)
    await page.getByRole('heading', { name: /\$89\.00 to localhost/ }).waitFor()
    await decide(page, 'a')
    expect((await answer).status).toBe(200)
    expect((await rig.testnet.balanceOf(rig.market.merchant)) - before).toBe(89_000_000n)
    await page
      .locator('.question')
      .getByText(/^(used|approved)$/)
      .first()
      .waitFor()
    expect(await rig.api(`/v1/approvals/${new URL(page.url()).hash.split('/').at(-1)}`)).toMatchObject({
      votes: [{ person: 'admin.token', verdict: 'approve', channel: 'console' }],
    })
    await page.close()
  })

  it('the address in a refusal leads whoever signs in to the question', async () => {
    const asking = rig.buy(session, '/hire?linked=1')
    const [{ id } = { id: '' }] = await vi.waitUntil(async () => {
      const { items } = await approvals('state=pending')
      return items.length > 0 && items
    }, 10_000)
    const page = await rig.visit({ size: 'phone' })
    const lists: string[] = []
    page.on('request', (request) => void (request.url().includes('/v1/approvals?') && lists.push(request.url())))
    await page.goto(`${rig.app().adminUrl}/#/approvals/${id}`)
    await rig.signIn(page)
    await page.getByRole('heading', { name: /\$89\.00 to localhost/ }).waitFor()
    await page.getByRole('timer').waitFor()
    // On a phone the list stands on a page of its own: what nobody sees there is not read.
    expect(lists).toEqual([])
    await page.getByRole('button', { name: 'Deny' }).tap()
    await page.getByRole('dialog').getByRole('button', { name: 'Deny' }).tap()
    expect((await asking).body.code).toBe('approval_denied')
    await page.close()
  })

  it('one press decides nothing, and Escape takes it back', async () => {
    const { page, answer } = await asked('/hire?task=2')
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('dialog', { name: 'Approve $89.00?' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect((await approvals('state=pending')).items.length).toBe(1)
    await page.getByRole('button', { name: 'Deny' }).click()
    await page.getByLabel('Reason (optional)').fill('not this quarter')
    await page.getByRole('dialog').getByRole('button', { name: 'Deny' }).click()
    const refused = await answer
    expect(refused).toMatchObject({ status: 403, body: { code: 'approval_denied', detail: expect.stringContaining('not this quarter') } })
    await page.close()
  })

  it('a key that is held down does not answer the question that it opened', async () => {
    const { page, answer } = await asked('/hire?task=3')
    await page.keyboard.down('a')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.down('a')
    await page.keyboard.down('a')
    await page.keyboard.up('a')
    expect((await approvals('state=pending')).items.length).toBe(1)
    await page.keyboard.press('Escape')
    await decide(page, 'd')
    expect((await answer).status).toBe(403)
    await page.close()
  })

  it('the veto stops a window that runs, and the countdown runs before it', async () => {
    const { page, answer } = await asked('/dataset?rows=all')
    await page.getByText('until it is paid').waitFor()
    expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0)
    await decide(page, 'd')
    expect(await answer).toMatchObject({ status: 403, body: { code: 'vetoed', moneyState: 'none' } })
    await page.close()
  })

  it('what will be signed stands beside the last payment there, and what differs is marked', async () => {
    const { page, answer } = await asked('/audit?of=books')
    const row = page.locator('.compared tr', { has: page.getByRole('rowheader', { name: 'Amount' }) })
    await expect.poll(() => row.textContent()).toContain('$47.50 differs$')
    await expect.poll(() => page.locator('.compared tr.differs th').allTextContents()).not.toContain('Recipient')
    await decide(page, 'd')
    await answer
    await page.close()
  })

  it('words of agents show as text: they run nothing, load nothing and are no markup', async () => {
    const texts = HOSTILE_TEXTS.slice(0, 6).map(([, text]) => text.replace(/[^\x20-\x7e]/g, '').slice(0, 300))
    const answers = texts.map((text, number) =>
      rig.buy(session, `/hire?evil=${number}${encodeURIComponent(text.slice(0, 60))}`, { 'purser-justification': text }),
    )
    const page = await rig.open('/approvals')
    await questions(page)
      .nth(texts.length - 1)
      .waitFor()
    for (let number = 0; number < texts.length; number++) {
      await questions(page).nth(number).click()
      await page.locator(`[aria-label=Questions] li:nth-child(${number + 1}) [aria-current=true]`).waitFor()
      await page.locator('.question .untrusted').first().waitFor()
      expect(await foreignIn(page)).toEqual(NOTHING_FOREIGN)
    }
    await page.close()
    await denyAll()
    await Promise.all(answers)
    expect({ complaints: rig.complaints, strays: rig.strays }).toEqual({ complaints: [], strays: [] })
  })
})

describe('a window that nobody has seen', () => {
  it('is begun by the list that a person sees, and by no count and no hidden page', async () => {
    const { token } = await rig.api<{ token: string }>('/v1/tokens', { role: 'auditor' })
    // Whose reading begins nothing.
    const seen = async () => {
      const answer = await fetch(`${rig.app().adminUrl}/v1/approvals?state=pending`, { headers: { authorization: `Bearer ${token}` } })
      return ((await answer.json()) as { items: { startedAt: string | null }[] }).items.map(({ startedAt }) => startedAt !== null)
    }
    const page = await rig.open('/')
    await page.getByText('live', { exact: true }).waitFor()
    const count = page.getByRole('navigation', { name: 'Pages' }).locator('.count')
    const one = rig.buy(session, '/dataset?unseen=1')
    await count.getByText('1').waitFor()
    await show(page, 'hidden')
    await page.goto(`${rig.app().adminUrl}/#/approvals`)
    await page.getByRole('heading', { name: 'Approvals', level: 1 }).waitFor()
    const two = rig.buy(session, '/dataset?unseen=2')
    await page.getByRole('status').getByText('2 payments wait for a decision.').waitFor()
    expect(await seen()).toEqual([false, false])
    await show(page, 'visible')
    await page.locator('.question').getByText('until it is paid').waitFor()
    expect(await seen()).toEqual([true, true])
    await denyAll()
    expect((await Promise.all([one, two])).map(({ body }) => body.code)).toEqual(['vetoed', 'vetoed'])
    await page.close()
  })
})

/** As a browser says that its tab went behind others, or came back. */
async function show(page: Page, state: 'hidden' | 'visible'): Promise<void> {
  await page.evaluate(`Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true })
document.dispatchEvent(new Event('visibilitychange'))`)
}

describe('after a restart of Purser', () => {
  it('the page says that it is cut, asks for the sign-in, and goes on in its place with what came meanwhile', async () => {
    const page = await rig.open('/approvals')
    await page.getByText('live', { exact: true }).waitFor()
    await rig.restart(async () => {
      await page.getByText('reconnecting', { exact: true }).waitFor()
      await page.getByText('What is shown may be old').waitFor()
    })
    await page.getByLabel('Admin token').waitFor()
    const answer = rig.buy(session, '/hire?after=restart')
    await rig.signIn(page)
    await page.getByText('live', { exact: true }).waitFor()
    await page.getByRole('heading', { name: 'Approvals', level: 1 }).waitFor()
    await questions(page).first().waitFor()
    await decide(page, 'a')
    expect((await answer).status).toBe(200)
    await page.close()
  })
})

describe('the keyboard', () => {
  it('leads to every page, tells what it can, and can be turned off', async () => {
    const page = await rig.open('/')
    for (const [key, name] of [
      ['p', 'Payments'],
      ['s', 'Sessions'],
      ['r', 'Recipients'],
      ['y', 'Policy'],
      ['a', 'Approvals'],
      ['o', 'Overview'],
    ] as const) {
      await page.keyboard.press('g')
      await page.keyboard.press(key)
      await page.getByRole('heading', { name, level: 1 }).waitFor()
      await expect.poll(() => page.title()).toBe(`${name} · Purser`)
    }
    await page.keyboard.press('?')
    const help = page.getByRole('dialog', { name: 'Keyboard' })
    expect(await help.locator('dd').allTextContents()).toEqual(expect.arrayContaining(['Approvals', 'Stop', 'This help']))
    expect(await rig.inspect(page, 'keyboard')).toEqual([])
    await help.getByLabel('Listen to single keys').uncheck()
    await page.keyboard.press('Escape')
    await help.waitFor({ state: 'detached' })
    await page.keyboard.press('g')
    await page.keyboard.press('p')
    expect(await page.title()).toBe('Overview · Purser')
    await page.close()
  })
})

describe('these pages, in both colours, on a desk and on a phone', () => {
  const waiting: Promise<Asked>[] = []

  beforeAll(async () => {
    const child = await rig.openSession({ parent: session.id, cap: '20.00', ttl: '2h', agent: 'search-worker', purpose: 'Finds sources' })
    await rig.openSession({ cap: '5.00', agent: 'translator', purpose: 'Translates the report' })
    for (const path of ['/search?q=rates', '/search?q=bonds', '/embed?n=1', '/embed?n=2', '/forecast?city=Porto'])
      await rig.buy(child, path)
    await rig.buy(child, '/roulette?bet=red')
    const said = { 'purser-justification': 'The report needs a reviewed balance sheet; this auditor answers within a day.' }
    waiting.push(rig.buy(session, '/hire?role=reviewer', said), rig.buy(session, '/compute?hours=3'))
    await vi.waitFor(async () => expect((await approvals('state=pending')).items.length).toBe(2), 10_000)
  })
  afterAll(async () => {
    await denyAll()
    await Promise.all(waiting)
  })

  it.each(['desktop', 'phone'] as const)('axe finds nothing serious, and nothing is wider than the screen: %s', async (size) => {
    const found: unknown[] = []
    const look = async (page: Page, name: string) => found.push(...(await rig.inspect(page, `${name}-${size}`)))
    const door = await rig.visit({ size })
    await door.getByLabel('Admin token').waitFor()
    await look(door, 'sign-in')
    await door.close()
    const page = await rig.open('/', { size })
    const to = (place: string) => page.goto(`${rig.app().adminUrl}/#${place}`)
    await page.locator('.plot canvas').first().waitFor()
    await look(page, 'overview')
    await to('/approvals')
    await page.locator('.inbox').waitFor()
    await look(page, 'approvals')
    const [first] = (await approvals('state=pending&kind=approval')).items
    await to(`/approvals/${first?.id}`)
    await page.locator('.compared tbody tr').first().waitFor()
    await look(page, 'approval')
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('dialog').waitFor()
    await look(page, 'approval-confirm')
    await page.close()
    expect(found).toEqual([])
  })

  it('nothing of it broke the page’s policy, threw, or asked another host', () => {
    expect({ complaints: rig.complaints, strays: rig.strays }).toEqual({ complaints: [], strays: [] })
  })
})
