/** Sessions, payments, receipts, recipients, policy and the kill switch, as people use them and as somebody attacks them. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ConsoleRig, foreignIn, NOTHING_FOREIGN, startConsole } from './console-rig.ts'
import type { OpenSession } from './purser.ts'

let rig: ConsoleRig
let parent: OpenSession
let child: OpenSession
const HOSTILE = '<img src=x onerror="pwned=1"><script>pwned=2</script>'
const PURPOSE = 'Market data for the weekly report'

beforeAll(async () => {
  rig = await startConsole()
  parent = await rig.openSession({ cap: '50.00', agent: 'research-team', purpose: 'Research budget' })
  child = await rig.openSession({ parent: parent.id, cap: '5.00', ttl: '1h', agent: 'research-agent', purpose: PURPOSE })
  for (let number = 0; number < 6; number++) expect((await rig.buy(child, `/search?n=${number}`)).status).toBe(200)
  expect((await rig.buy(child, '/forecast?n=1')).status).toBe(200)
  expect((await rig.buy(child, '/roulette', { 'purser-justification': HOSTILE })).status).toBe(403)
}, 180_000)
afterAll(() => rig?.[Symbol.asyncDispose]())

interface Payment {
  readonly id: string
  readonly state: string
}

const payments = async (query: string) => (await rig.api<{ items: Payment[] }>(`/v1/payments?${query}`)).items
const session = (id: string) => rig.api<{ state: string; cap: string; remaining: string }>(`/v1/sessions/${id}`)

describe('sessions', () => {
  it('stand below their parents with what is spent, held and left', async () => {
    const page = await rig.open('/sessions')
    const below = page.getByRole('list', { name: 'Sessions' }).locator('ul')
    await below.getByText(PURPOSE).waitFor()
    expect(await below.getByRole('img').first().getAttribute('aria-label')).toBe('$0.37 spent, $0.00 held, of $5.00')
    expect(await below.textContent()).toContain('$4.63 left of $5.00')
    await page.close()
  })

  it('one is opened, its token shown once and good for a payment, then topped up, closed and revoked for real', async () => {
    const page = await rig.open('/sessions')
    await page.getByRole('button', { name: 'Open a session' }).click()
    await page.getByLabel('Agent').fill('new-agent')
    await page.getByLabel('Purpose').fill('A first try')
    await page.getByLabel('Cap').fill('0.03')
    await page.getByLabel('Lifetime').fill('1h')
    await page.getByRole('button', { name: 'Open', exact: true }).click()
    const token = await page.getByLabel('Token').inputValue()
    expect((await rig.buy({ ...child, token }, '/search?by=console')).status).toBe(200)
    await page.getByRole('link', { name: 'To the session' }).click()
    await page.getByText('$0.01 left of $0.03').waitFor()
    expect(await page.content()).not.toContain(token)
    await page.getByRole('button', { name: 'Top up' }).click()
    await page.getByLabel('Add to its cap').fill('1')
    await page.getByRole('dialog').getByRole('button', { name: 'Top up' }).click()
    await page.getByText('$1.01 left of $1.03').waitFor()
    const id = decodeURIComponent(new URL(page.url()).hash.split('/').at(-1) ?? '')
    await page.getByRole('button', { name: 'Close' }).click()
    expect((await session(id)).state).toBe('open')
    await page.getByRole('button', { name: 'Close it' }).click()
    await page.getByText('The session is closed.').waitFor()
    await page.getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('button', { name: 'Revoke it' }).click()
    await page.getByText('The session is revoked.').waitFor()
    expect((await session(id)).state).toBe('revoked')
    await page.close()
  })

  it('what the API refuses is said in the dialog, and nothing is opened', async () => {
    const page = await rig.open(`/sessions/${child.id}`)
    await page.getByRole('button', { name: 'Open one below it' }).click()
    await page.getByLabel('Cap').fill('4000')
    await page.getByLabel('Lifetime').fill('10m')
    await page.getByRole('button', { name: 'Open', exact: true }).click()
    await page.getByRole('alert').getByText('cap').waitFor()
    expect((await rig.api<{ items: unknown[] }>(`/v1/sessions?parent=${child.id}`)).items).toEqual([])
    await page.close()
  })

  it('an auditor reads them and is offered nothing that changes them', async () => {
    const { token } = await rig.api<{ token: string }>('/v1/tokens', { role: 'auditor' })
    const page = await rig.visit()
    await rig.signIn(page, token)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.goto(`${rig.app().adminUrl}/#/sessions/${child.id}`)
    await page.getByText('Market data').first().waitFor()
    expect(await page.getByRole('button', { name: /Top up|Close|Revoke/ }).count()).toBe(0)
    await page.goto(`${rig.app().adminUrl}/#/stop`)
    await page.getByText('takes the role operator').waitFor()
    await page.close()
  })
})

describe('payments', () => {
  it('come without a reload, and the address carries the filter', async () => {
    const page = await rig.open('/payments')
    await page.getByText('live', { exact: true }).waitFor()
    await page.getByRole('row').nth(1).waitFor()
    await rig.buy(child, '/embed?live=1')
    await page.getByRole('link', { name: /\/embed/ }).waitFor()
    await page.getByLabel('State').selectOption('denied')
    await page.getByRole('link', { name: /roulette/ }).waitFor()
    expect(await page.getByRole('row').count()).toBe(2)
    expect(page.url()).toContain('#/payments?state=denied')
    await page.reload()
    await page.getByRole('link', { name: /roulette/ }).waitFor()
    expect(await page.getByLabel('State').inputValue()).toBe('denied')
    await page.close()
  })

  it('one tells its whole story in order, from the challenge to the settlement', async () => {
    const [paid] = await payments(`session=${child.id}&state=settled`)
    const page = await rig.open(`/payments/${paid?.id}`)
    const steps = page.locator('.timeline strong')
    await steps.first().waitFor()
    const told = await steps.allInnerTexts()
    expect(told[0]).toBe('The server asked for a payment')
    const order = ['The server asked for a payment', 'The money was set aside', 'The wallet signed it', 'The payment was sent']
    expect(told.filter((step) => order.includes(step))).toEqual(order)
    await page.close()
  })

  it('what agents wrote shows as text and runs nothing', async () => {
    const [refused] = await payments(`session=${child.id}&state=denied`)
    const page = await rig.open(`/payments/${refused?.id}`)
    await page.locator('.timeline .foreign').getByText('<img src=x').first().waitFor()
    expect(await page.locator('main').locator('script, iframe, img[onerror]').count()).toBe(0)
    expect(rig.complaints).toEqual([])
    await page.close()
  })

  it('receipts verify, and the export that the page links holds every one that matches', async () => {
    const page = await rig.open(`/payments?list=receipts&session=${child.id}`)
    await page.getByRole('button', { name: 'Verify all chains' }).click()
    await page.getByText(/receipts in \d+ chains hold/).waitFor()
    await page.getByText('Export what matches').click()
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'JSON lines' }).first().click()])
    const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n')
    const { items } = await rig.api<{ items: unknown[] }>(`/v1/receipts?session=${child.id}&limit=1000`)
    expect(lines.length).toBe(items.length)
    await page.close()
  })
})

describe('recipients', () => {
  it('tell trust, deliveries and prices', async () => {
    const page = await rig.open('/recipients')
    await page.getByRole('table').getByRole('link').first().click()
    await page.getByText('listed by the operator').waitFor()
    await page.getByText(/\d+ delivered, 0 not, 0 open/).waitFor()
    await page.getByText(/From \$0\.0\d* to \$5\.00/).waitFor()
    await page.close()
  })
})

const NARROWER = `- name: tiny
  conditions: { maxAmount: 0.10, categories: [search], recipientTrust: verified, frequency: { max: 100000, per: 1h } }
  approval: none
- name: prohibited
  conditions: { categories: [gambling] }
  approval: blocked
`

describe('the policy', () => {
  it('stands in sentences, and a pasted one is held against what was paid', async () => {
    const page = await rig.open('/policy')
    await page.getByText('Everything else is refused.').first().waitFor()
    await page.getByLabel(/Tiers or a whole/).fill(NARROWER)
    await page.getByRole('button', { name: 'Check and simulate' }).click()
    await page.getByRole('heading', { name: 'What it would have changed' }).waitFor()
    await page.getByText(/1 that were paid at once would be refused \(\$0\.25\)/).waitFor()
    expect(await page.locator('.sentences.changes').textContent()).toContain('tiny: Up to $0.10 each')
    const { items } = await rig.api<{ items: unknown[] }>('/v1/policy/versions')
    expect(items).toHaveLength(1)
    await page.close()
  })

  it('what cannot be read is said with the place', async () => {
    const page = await rig.open('/policy')
    await page.getByLabel(/Tiers or a whole/).fill('tiers: [')
    await page.getByRole('button', { name: 'Check and simulate' }).click()
    await page.getByRole('alert').getByText('line 1').waitFor()
    await page.close()
  })
})

describe('the kill switch', () => {
  it('stops nothing before the second press, then payments of one session, and lets them go on', async () => {
    const page = await rig.open(`/sessions/${child.id}`)
    await page.getByRole('link', { name: 'Stop its payments' }).click()
    await page.getByLabel('Reason').fill('odd spending')
    await page.getByRole('button', { name: 'Stop payments' }).click()
    await page.getByRole('dialog').getByText(child.id).waitFor()
    expect((await rig.api<{ items: unknown[] }>('/v1/halts')).items).toEqual([])
    await page.getByRole('button', { name: 'Stop them now' }).click()
    await page.getByText(`Stopped: payments of session ${child.id}`).first().waitFor()
    expect((await rig.buy(child, '/search?halted=1')).body).toMatchObject({
      code: 'payments_halted',
      detail: expect.stringContaining('odd spending'),
    })
    await page.getByRole('button', { name: 'Let them go on' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Let them go on' }).click()
    await page.getByText('Nothing is stopped.').waitFor()
    expect((await rig.buy(child, '/search?halted=2')).status).toBe(200)
    await page.close()
  })
})

describe('hostile words', () => {
  it('hostile names in every field are text on every page', async () => {
    const hostile = await rig.openSession({ cap: '200.00', agent: HOSTILE, purpose: HOSTILE })
    const words = { 'purser-tool': HOSTILE, 'purser-task': HOSTILE, 'purser-user': HOSTILE, 'purser-justification': HOSTILE }
    expect((await rig.buy(hostile, `/search?q=${encodeURIComponent(HOSTILE)}`, words)).status).toBe(200)
    await rig.api('/v1/halt', { scope: 'agent', value: HOSTILE, reason: HOSTILE })
    const page = await rig.open('/')
    const [paid] = (await rig.api<{ items: Payment[] }>(`/v1/payments?session=${hostile.id}`)).items
    const places: readonly (readonly [place: string, shows: string])[] = [
      ['/', '.note.bad'],
      [`/sessions/${hostile.id}`, '.facts'],
      ['/sessions', '.tree'],
      [`/payments/${paid?.id}`, '.timeline'],
      ['/payments', 'tr.row'],
      ['/payments?list=receipts', 'tr.row'],
      ['/stop', '.halts'],
    ]
    for (const [place, shows] of places) {
      await page.goto(`${rig.app().adminUrl}/#${place}`)
      await page.locator(shows).getByText('<img src=x').first().waitFor()
      expect([place, await foreignIn(page)]).toEqual([place, NOTHING_FOREIGN])
    }
    await page.close()
    await rig.api('/v1/resume', { scope: 'agent', value: HOSTILE })
    await rig.api(`/v1/sessions/${hostile.id}/revoke`, {})
    expect({ complaints: rig.complaints, strays: rig.strays }).toEqual({ complaints: [], strays: [] })
  })
})

describe('a hostile page that the victim visits while signed in', () => {
  // What the attack itself asks and is refused is no complaint about the console.
  beforeAll(() => expect({ complaints: rig.complaints, strays: rig.strays }).toEqual({ complaints: [], strays: [] }))
  afterAll(() => {
    rig.complaints.length = 0
    rig.strays.length = 0
  })

  async function evil(html: string) {
    const site = createServer((_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end(html)).listen(
      0,
      '127.0.0.1',
    )
    await once(site, 'listening')
    return { url: `http://evil.example:${(site.address() as AddressInfo).port}/`, close: () => site.close() }
  }

  it('its forms and scripts stop nothing, decide nothing and read nothing, cookie or not', async () => {
    const page = await rig.open('/')
    const { adminUrl } = rig.app()
    // Its own page sets no policy, and the victim's browser holds the cookie.
    const attack = await evil('<h1>win</h1>')
    await page.goto(attack.url)
    const tries = ['POST text/plain', 'POST application/json', 'GET'].map((how) => how.split(' '))
    for (const path of ['/v1/halt', '/console/sign-out', '/v1/overview', '/console/me', '/v1/events']) {
      for (const [method = 'GET', type] of tries) {
        const told = await page.evaluate(
          async ([url, init, kind]) => {
            const headers: Record<string, string> = kind ? { 'content-type': kind, 'purser-console': '1' } : {}
            const sent = { method: init, credentials: 'include', ...(init === 'GET' ? {} : { body: '{"scope":"all"}' }) } as const
            const read = (answer: Response) => `${answer.type} ${answer.status}`
            const plain = await fetch(url, { ...sent, mode: 'no-cors' }).then(read, () => 'blocked')
            const full = await fetch(url, { ...sent, headers }).then(read, () => 'blocked')
            return [plain, full]
          },
          [`${adminUrl}${path}`, method, type ?? ''] as const,
        )
        expect(told.filter((one) => one !== 'blocked' && one !== 'opaque 0')).toEqual([])
      }
    }
    expect(await page.evaluate(`(${HEARS})('${adminUrl}')`)).toEqual(['error', 'error'])
    for (const type of ['text/plain', 'multipart/form-data', 'application/x-www-form-urlencoded']) {
      await page.goto(attack.url)
      await page.evaluate(`(${SUBMITS})('${adminUrl}/v1/halt', '${type}')`)
      await page.waitForURL(`${adminUrl}/v1/halt`)
      expect(await page.content()).toContain('forbidden')
    }
    expect(await rig.api('/v1/halts')).toMatchObject({ items: [] })
    await page.goto(`${adminUrl}/`)
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    attack.close()
    await page.close()
  })

  /** A stream of news and a socket, both with the victim's cookie: what each says first. */
  const HEARS = `(url) => Promise.all([
    new EventSource(url + '/v1/events', { withCredentials: true }),
    new WebSocket(url.replace('http', 'ws') + '/v1/events'),
  ].map((line) => new Promise((told) => {
    for (const type of ['open', 'message', 'error']) line.addEventListener(type, () => told(type))
  })))`
  const SUBMITS = `(url, type) => {
    const form = Object.assign(document.createElement('form'), { method: 'post', action: url, enctype: type })
    form.append(Object.assign(document.createElement('input'), { name: '{"scope":"all","x":"', value: '"}' }))
    document.body.append(form)
    form.submit()
  }`

  it('it cannot frame the console, nor a part of it', async () => {
    const { adminUrl } = rig.app()
    const attack = await evil(`<iframe src="${adminUrl}/#/approvals"></iframe><object data="${adminUrl}/"></object>`)
    const page = await rig.open('/')
    await page.goto(attack.url)
    await page.waitForLoadState('load')
    const contents = await Promise.all(page.frames().map((frame) => frame.content().catch(() => '')))
    expect(contents.filter((html) => html.includes('id="console"'))).toEqual([])
    attack.close()
    await page.close()
  })
})

describe('every page', () => {
  const places = async (): Promise<readonly (readonly [string, string, (page: Page) => Promise<unknown>])[]> => {
    const [paid] = await payments(`session=${child.id}&state=settled`)
    const [known] = (await rig.api<{ items: Record<'origin' | 'network' | 'recipient', string>[] }>('/v1/recipients/profiles')).items
    const shown = (selector: string) => (page: Page) => page.locator(selector).first().waitFor()
    return [
      ['sessions', '/sessions', shown('.tree')],
      ['session', `/sessions/${child.id}`, shown('.facts')],
      ['payments', '/payments', shown('tr.row')],
      ['payment', `/payments/${paid?.id}`, shown('.timeline')],
      ['receipts', '/payments?list=receipts', shown('tr.row')],
      ['recipients', '/recipients', shown('tr.row')],
      [
        'recipient',
        `/recipients?${new URLSearchParams(known && { origin: known.origin, network: known.network, recipient: known.recipient })}`,
        shown('.facts'),
      ],
      ['policy', '/policy', shown('.sentences')],
      ['stop', '/stop', shown('.stop')],
    ]
  }
  it.each(['desktop', 'phone'] as const)('%s: axe finds nothing serious, and nothing is wider than the screen', async (size) => {
    const page = await rig.open('/sessions', { size })
    const found: unknown[] = []
    for (const [name, place, isShown] of await places()) {
      await page.goto(`${rig.app().adminUrl}/#${place}`)
      await isShown(page)
      found.push(...(await rig.inspect(page, `${name}-${size}`)))
    }
    expect({ found, complaints: rig.complaints, strays: rig.strays }).toEqual({ found: [], complaints: [], strays: [] })
    await page.close()
  })
})
