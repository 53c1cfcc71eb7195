/** The approval page in a real browser, attacked from another origin by somebody who even knows the link. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import sparticuz from '@sparticuz/chromium'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startAdmin } from '../../src/admin/listen.ts'
import { type ApprovalRig, approvalRig } from '../admin/approval-rig.ts'
import { HOSTILE_TEXTS } from '../approval/approvals-at-hand.ts'

let browser: Browser

beforeAll(async () => {
  const args = ['--no-sandbox', '--headless=shell', '--no-zygote', '--host-resolver-rules=MAP *.example 127.0.0.1']
  browser = await chromium.launch({ executablePath: await sparticuz.executablePath(), args })
})
afterAll(async () => {
  await browser?.close()
})

interface Stage extends AsyncDisposable {
  readonly rig: ApprovalRig
  readonly page: Page
  /** Where the approval page is. */
  readonly door: string
  /** Another site; what it answers is set by `attack`. */
  readonly evil: string
  attack(html: string): void
  /** Requests that the other site saw. */
  readonly caught: string[]
}

async function stage(): Promise<Stage> {
  await using started = new AsyncDisposableStack()
  const rig = started.use(await approvalRig())
  const door = started.use(await startAdmin({ app: async () => rig.app, listen: { host: '127.0.0.1', port: 0 } }))
  const caught: string[] = []
  let html = ''
  const site = createServer((request, response) => {
    caught.push(`${request.method} ${request.url}`)
    response.writeHead(200, { 'content-type': 'text/html' }).end(html)
  }).listen(0, '127.0.0.1')
  await once(site, 'listening')
  started.defer(() => void site.closeAllConnections())
  started.defer(() => void site.close())
  const context = await browser.newContext()
  started.defer(() => context.close())
  const page = await context.newPage()
  const all = started.move()
  return {
    ...{ rig, page, caught, door: door.url, evil: `http://evil.example:${(site.address() as AddressInfo).port}` },
    attack: (text) => {
      html = text
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** The victim has the page open, with its cookie; the proof that stands in its form is returned. */
async function opened({ page }: Stage, link: string): Promise<string> {
  await page.goto(link)
  return (await page.getAttribute('input[name=proof]', 'value')) ?? ''
}

describe('the approval page', () => {
  it('a person who comes by a link from another site reads, presses, and it counts', async () => {
    await using all = await stage()
    const { rig, page, door, evil, attack } = all
    const approval = await rig.ask()
    attack(`<a href="${door}/approve/${rig.token(approval)}">mail</a>`)
    await page.goto(evil)
    await page.click('a')
    await page.waitForSelector('text=Approve $89.00 to agents.example')
    await page.fill('input[name=reason]', 'fine')
    await page.click('button[value=approve]')
    await page.waitForSelector('text=Thank you, this counts')
    expect(await rig.state(approval)).toMatchObject({ state: 'approved', votes: [{ person: 'anna', reason: 'fine' }] })
  })

  it('a form on another site that knows link and proof decides nothing', async () => {
    await using all = await stage()
    const { rig, page, door, evil, attack } = all
    const approval = await rig.ask()
    const link = `${door}/approve/${rig.token(approval)}`
    const proof = await opened(all, link)
    const field = (name: string, value: string) => `<input name="${name}" value="${value}">`
    attack(`<form method="post" action="${link}">${field('verdict', 'approve')}${field('reason', '')}${field('proof', proof)}</form>
<script>document.forms[0].submit()</script>`)
    const [answer] = await Promise.all([page.waitForResponse((response) => response.url() === link), page.goto(evil)])
    expect(answer.status()).toBe(403)
    expect((await rig.state(approval)).state).toBe('pending')
  })

  it('a script on another site that sends it with the victim’s cookies decides nothing and reads nothing', async () => {
    await using all = await stage()
    const { rig, page, door, evil, attack } = all
    const approval = await rig.ask()
    const link = `${door}/approve/${rig.token(approval)}`
    const proof = await opened(all, link)
    attack('<h1>evil</h1>')
    await page.goto(evil)
    const outcome = await page.evaluate(
      async ([url, body]) => {
        const sent = await fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body: new URLSearchParams(body) }).then(
          ({ type }) => type,
          () => 'blocked',
        )
        const read = await fetch(url, { credentials: 'include' }).then(
          (answer) => answer.text(),
          () => 'blocked',
        )
        return { sent, read }
      },
      [link, `verdict=approve&reason=&proof=${proof}`] as const,
    )
    expect(outcome).toEqual({ sent: 'blocked', read: 'blocked' })
    expect((await rig.state(approval)).state).toBe('pending')
  })

  it('it cannot be framed, so nobody is tricked into pressing it', async () => {
    await using all = await stage()
    const { rig, page, door, evil, attack } = all
    const link = `${door}/approve/${rig.token(await rig.ask())}`
    attack(`<iframe id="victim" src="${link}"></iframe><object data="${link}"></object>`)
    await page.goto(evil)
    await page.waitForLoadState('networkidle')
    const contents = await Promise.all(page.frames().map((frame) => frame.content().catch(() => '')))
    expect(contents.filter((html) => html.includes('Recipient') || html.includes('name="proof"'))).toEqual([])
  })

  it('a name of the attacker’s that leads here (rebinding) gets neither page nor vote', async () => {
    await using all = await stage()
    const { rig, door } = all
    const approval = await rig.ask()
    const token = rig.token(approval)
    const rebound = `http://evil.example:${new URL(door).port}`
    // The attacker's own page, loaded before the name turned, has no policy that holds it back.
    await using context = await browser.newContext({ bypassCSP: true })
    const page = await context.newPage()
    expect((await page.goto(`${rebound}/`))?.status()).toBe(421)
    const statuses = await page.evaluate(
      async ([url, proof]) => {
        const body = new URLSearchParams({ verdict: 'approve', reason: '', proof })
        return [(await fetch(url)).status, (await fetch(url, { method: 'POST', body })).status]
      },
      [`${rebound}/approve/${token}`, rig.links.formProof(token, 'browser_1')] as const,
    )
    expect(statuses).toEqual([421, 421])
    expect((await rig.state(approval)).state).toBe('pending')
  })

  it('text of agents and servers runs nothing, loads nothing, and shows as text', async () => {
    await using all = await stage()
    const { rig, page, door, caught, evil } = all
    const dialogs: string[] = []
    const faults: string[] = []
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message())
      dialog.dismiss().catch(() => undefined)
    })
    page.on('pageerror', (fault) => faults.push(fault.message))
    const payloads = [...HOSTILE_TEXTS.map(([, text]) => text.slice(0, 300)), `<img src="${evil}/x"><script src="${evil}/y"></script>`]
    await page.goto(`${door}/approve/${rig.token(await rig.ask({ untrusted: payloads.join(' ').slice(0, 480) }))}`)
    await page.goto(`${door}/approve/${rig.token(await rig.ask({ untrusted: payloads.at(-1) ?? '' }))}`)
    await page.waitForLoadState('networkidle')
    expect({ dialogs, faults, caught }).toEqual({ dialogs: [], faults: [], caught: [] })
    expect(await page.locator('img, script, svg, iframe').count()).toBe(0)
    expect(await page.locator('form').count()).toBe(1)
  })

  it('the address of the page, which is the credential, goes to no other site', async () => {
    await using all = await stage()
    const { rig, page, door, evil } = all
    const referrers: (string | undefined)[] = []
    page.on('request', (request) => {
      if (request.url().startsWith(evil)) referrers.push(request.headers().referer)
    })
    await page.goto(`${door}/approve/${rig.token(await rig.ask())}`)
    await page.evaluate(`location.assign(${JSON.stringify(`${evil}/next`)})`)
    await page.waitForURL(`${evil}/next`)
    expect(referrers).toEqual([undefined])
  })
})
