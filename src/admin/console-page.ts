/** The console at the bare address. Its page and its script hold nothing of anyone; what they show they ask the API for. */
import type { Context } from 'hono'
import { refused } from '../errors.ts'
import type { ConsoleFiles } from './console-files.ts'
import type { AdminApp, AdminEnv } from './router.ts'

/** Scripts and styles from here only, none inline, nothing from other hosts, never framed. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

const PAGE_HEADERS = { 'content-security-policy': POLICY, 'cross-origin-opener-policy': 'same-origin', 'cache-control': 'no-store' }

export function consolePage(context: Context<AdminEnv>, { page }: ConsoleFiles): Response {
  return context.body(page.content, 200, { ...PAGE_HEADERS, 'content-type': page.type })
}

/** Their names change with their content, so that browsers may keep them. */
export function registerConsoleAssets(app: AdminApp, { assets }: ConsoleFiles): void {
  app.get('/assets/*', (context) => {
    const file = assets.get(context.req.path)
    if (!file) throw refused('not_found', `There is no ${context.req.path} here.`)
    return context.body(file.content, 200, { 'content-type': file.type, 'cache-control': 'public, max-age=31536000, immutable' })
  })
}
