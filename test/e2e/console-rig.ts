/** The console in a real browser: built anew, served by a whole Purser that pays real money of the local chain. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import sparticuz from '@sparticuz/chromium'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { stringify } from 'yaml'
import { type App, startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type Market, startMarket } from './market.ts'
import { type OpenSession, openConfig } from './purser.ts'

const SOURCE = resolve(import.meta.dirname, '../../src/console')

/** What is sold, by the tier that it falls into. */
const PRICES = {
  ...{ '/search': '0.02', '/embed': '0.004', '/forecast': '0.25' },
  ...{ '/dataset': '4.50', '/compute': '12.75' },
  ...{ '/hire': '89.00', '/audit': '47.50' },
  ...{ '/roulette': '5.00' },
}

export interface Screen {
  readonly scheme?: 'light' | 'dark'
  readonly size?: 'desktop' | 'phone'
}

export interface Asked {
  readonly status: number
  readonly body: Record<string, unknown>
}

export interface ConsoleRig extends AsyncDisposable {
  readonly testnet: Testnet
  readonly market: Market
  readonly browser: Browser
  readonly adminToken: string
  app(): App
  /** Stops Purser and starts it again on its data folder, at the same address of the console. */
  restart(between?: () => Promise<void>): Promise<void>
  api<T = Record<string, unknown>>(path: string, body?: unknown): Promise<T>
  openSession(spec?: Record<string, unknown>): Promise<OpenSession>
  /** What an agent asks for, through the proxy. */
  buy(session: OpenSession, path: string, headers?: Record<string, string>): Promise<Asked>
  /** A page of the console at this place, signed in. */
  open(place: string, screen?: Screen): Promise<Page>
  /** A page of the console, not signed in. */
  visit(screen?: Screen): Promise<Page>
  signIn(page: Page, token?: string): Promise<void>
  /**
   * Looks at the page in both colours, and writes a screenshot of each into the folder that `PURSER_SCREENSHOTS` names, if
   * it does. Answers what axe finds serious, and whether the page is wider than its screen.
   */
  inspect(page: Page, name: string): Promise<readonly unknown[]>
  /** What browsers complained about so far: policy violations and errors of scripts. */
  readonly complaints: string[]
  /** Requests of console pages to other hosts. */
  readonly strays: string[]
}

const SCREENS: Readonly<Record<NonNullable<Screen['size']>, BrowserContextOptions>> = {
  desktop: { viewport: { width: 1280, height: 860 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
}

/** Builds the console below this folder, and answers where. */
export async function buildConsole(folder: string): Promise<string> {
  const consoleDir = join(folder, 'console')
  await build({ configFile: join(SOURCE, 'vite.config.ts'), build: { outDir: consoleDir } })
  return consoleDir
}

/** Chromium, for which every name below `.example` is this machine. */
export async function launchBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--headless=shell', '--no-zygote', '--host-resolver-rules=MAP *.example 127.0.0.1']
  return chromium.launch({ executablePath: await sparticuz.executablePath(), args })
}

export async function startConsole(): Promise<ConsoleRig> {
  await using started = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'purser-console-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const consoleDir = await buildConsole(folder)
  const testnet = started.use(await startTestnet())
  const market = started.use(await startMarket(testnet, PRICES))
  const browser = await launchBrowser()
  started.defer(() => browser.close())
  const running = started.use(await startHouse({ folder, consoleDir, config: governed(testnet, market) }))
  await testnet.fund(running.app().walletAddress as `0x${string}`, 1_000_000_000n)
  const complaints: string[] = []
  const strays: string[] = []
  const { adminToken } = running
  const api = async <T>(path: string, body?: unknown): Promise<T> => {
    const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' }
    const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
    return (await (await fetch(new URL(path, running.app().adminUrl), init)).json()) as T
  }
  const blank = async ({ scheme = 'light', size = 'desktop' }: Screen = {}) => {
    const context = await browser.newContext({
      ...SCREENS[size],
      colorScheme: scheme,
      reducedMotion: 'reduce',
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
    })
    const page = await context.newPage()
    page.once('close', () => void context.close().catch(() => undefined))
    // Less than a test has: what does not come is said by name.
    page.setDefaultTimeout(10_000)
    await page.addInitScript({ content: REPORTER })
    page.on('pageerror', ({ message }) => complaints.push(message))
    page.on('console', (line) => {
      if (line.type() === 'error' && /Content.Security|script|style/i.test(line.text())) complaints.push(line.text())
    })
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== new URL(running.app().adminUrl).origin) strays.push(request.url())
    })
    return page
  }
  const visit = async (screen?: Screen) => {
    const page = await blank(screen)
    await page.goto(`${running.app().adminUrl}/`)
    return page
  }
  const signIn = async (page: Page, token = adminToken) => {
    await page.getByLabel('Admin token').fill(token)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  const all = started.move()
  return {
    ...{ testnet, market, browser, adminToken, app: running.app, restart: running.restart, api, visit, signIn, complaints, strays },
    openSession: (spec = {}) =>
      api<OpenSession>('/v1/sessions', { agent: 'research-agent', purpose: 'liquidity report', cap: '25.00', ttl: '8h', ...spec }),
    buy: (session, path, headers = {}) => buy(running.app(), session, path, headers),
    open: async (place, screen) => {
      const page = await blank(screen)
      const { adminUrl } = running.app()
      // As the form does it; that one is pressed in tests of its own.
      const headers = { origin: adminUrl, 'purser-console': '1' }
      const asked = { data: { token: adminToken }, headers, failOnStatusCode: true }
      const answer = await page.request.post(`${adminUrl}/console/sign-in`, asked)
      await page.goto(`${adminUrl}/#/?proof=${answer.headers()['purser-console']}`)
      await page.goto(`${adminUrl}/#${place}`)
      await page.getByRole('navigation', { name: 'Pages' }).waitFor()
      return page
    },
    inspect,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

export async function inspect(page: Page, name: string): Promise<readonly unknown[]> {
  const found: unknown[] = []
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    await shoot(page, `${name}-${scheme}`)
    const axe = new AxeBuilder({ page }).setLegacyMode(true)
    // Only the colours are others in the dark.
    const { violations } = await (scheme === 'light' ? axe : axe.withRules(['color-contrast'])).analyze()
    for (const { id, impact, nodes } of violations)
      if (impact === 'serious' || impact === 'critical') found.push({ name, scheme, id, at: nodes.map(({ html }) => html.slice(0, 160)) })
  }
  await page.emulateMedia({ colorScheme: 'light' })
  const isWider = await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')
  return isWider ? [...found, { name, id: 'wider than the screen' }] : found
}

async function shoot(page: Page, name: string): Promise<void> {
  const target = process.env.PURSER_SCREENSHOTS
  if (!target) return
  await mkdir(target, { recursive: true })
  // What is fixed to a phone's edge would stand in the middle of a long picture.
  const fullPage = (page.viewportSize()?.width ?? 0) > 600
  await page.screenshot({ path: join(target, `${name}.png`), fullPage })
}

export const NOTHING_FOREIGN = { elements: 0, links: 0, ran: 'undefined' }

/** What of a page's content is not its own. @param page whose hostile texts would set `pwned` */
export async function foreignIn(page: Page): Promise<typeof NOTHING_FOREIGN> {
  const main = page.locator('main')
  return {
    elements: await main.locator('script, iframe, img, svg, object, [onerror]').count(),
    links: await main.locator('a[href^="http"], a[href^="javascript"]').count(),
    ran: await page.evaluate('typeof pwned'),
  }
}

/** What breaks the page's policy is a complaint, whether or not the browser writes of it. */
const REPORTER = `document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
  console.error('Content-Security-Policy: ' + violatedDirective + ' ' + blockedURI)
})`

interface House {
  readonly folder: string
  readonly consoleDir: string
  readonly config: Record<string, unknown>
}

interface Running extends AsyncDisposable {
  readonly adminToken: string
  app(): App
  restart(between?: () => Promise<void>): Promise<void>
}

async function startHouse({ folder, consoleDir, config }: House): Promise<Running> {
  const file = join(folder, 'purser.yaml')
  const start = async (admin: string) => {
    await writeFile(file, stringify({ dataDir: './data', ...config, admin: { listen: admin } }))
    return startApp(await loadConfig({ file, env: {} }), { consoleDir, logDestination: { write: () => undefined } })
  }
  let app = await start('127.0.0.1:0')
  return {
    adminToken: (await readFile(join(folder, 'data', 'admin.token'), 'utf8')).trim(),
    app: () => app,
    restart: async (between) => {
      const { host } = new URL(app.adminUrl)
      await app[Symbol.asyncDispose]()
      await between?.()
      app = await start(host)
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}

async function buy(app: App, { token }: OpenSession, path: string, headers: Record<string, string>): Promise<Asked> {
  const answer = await fetch(`${app.proxyUrl}/market${path}`, { headers: { 'purser-session': token, ...headers } })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.includes('json')
  return { status: answer.status, body: isJson ? JSON.parse(text) : { text } }
}

/** Four tiers: paid at once, unless vetoed, with a yes, never. */
function governed(testnet: Testnet, market: Market): Record<string, unknown> {
  const open = openConfig([testnet.caFile])
  const tier = (maxAmount: string, categories: string[], recipientTrust: string, max: number) => ({
    conditions: { maxAmount, categories, recipientTrust, frequency: { max, per: '1h' } },
  })
  const sold = (category: string, ...paths: string[]) => paths.map((path) => ({ host: '*', path: `${path}*`, category }))
  return {
    ...open,
    proxy: { ...(open.proxy as object), routes: [{ prefix: '/market/', upstream: `${market.url}/` }] },
    networks: [{ id: testnet.network, rpc: testnet.rpcUrl }],
    people: [
      { id: 'ops', roles: ['owner', 'approver'] },
      { id: 'anna', roles: ['approver'] },
    ],
    approvals: { hold: '120s', vetoHold: '120s' },
    categories: [
      ...sold('search', '/search', '/embed', '/forecast'),
      ...sold('data_access', '/dataset', '/compute'),
      ...sold('agent_hire', '/hire', '/audit'),
      ...sold('gambling', '/roulette'),
    ],
    tiers: [
      { name: 'autonomous', ...tier('1.00', ['search'], 'verified', 100_000), approval: 'none', audit: 'batch_daily' },
      {
        ...{ name: 'supervised', ...tier('50.00', ['data_access'], 'verified', 1_000) },
        ...{ approval: 'notify_with_veto', vetoWindow: '60s', audit: 'per_transaction' },
      },
      {
        ...{ name: 'collaborative', ...tier('5000.00', ['agent_hire'], 'any', 1_000) },
        ...{ approval: 'explicit_human', timeout: '4h', audit: 'per_transaction_enhanced' },
      },
      { name: 'prohibited', conditions: { categories: ['gambling'] }, approval: 'blocked', audit: 'attempt_logged' },
    ],
  }
}
