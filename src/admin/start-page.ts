/** What the bare address answers, and the API's own description. Neither needs a token: they hold nothing of anyone. */
import { createRoute, z } from '@hono/zod-openapi'
import type { ConsoleFiles } from './console-files.ts'
import { consolePage, registerConsoleAssets } from './console-page.ts'
import type { AdminApp } from './router.ts'

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Purser</title>
<h1>Purser</h1>
<p>This is the operators' listener of Purser, the paying proxy for AI agents.</p>
<ul>
<li><a href="/v1/openapi.json">/v1/openapi.json</a>: the API, described. Its calls need <code>Authorization: Bearer &lt;admin token&gt;</code>.</li>
<li><a href="/readyz">/readyz</a>: whether payments can be made, and why not.</li>
<li><a href="/metrics">/metrics</a>: metrics for Prometheus.</li>
<li><a href="/stop">/stop</a>: a button that stops payments. It needs an operator's token.</li>
</ul>
</html>
`

const page = createRoute({
  method: 'get',
  path: '/',
  summary: 'The console, or where it is not built the page of /links; no token needed',
  responses: { 200: { description: 'The page', content: { 'text/html': { schema: z.string() } } } },
})

const links = createRoute({
  method: 'get',
  path: '/links',
  summary: 'A page with the ways on; no token needed',
  responses: { 200: { description: 'The page', content: { 'text/html': { schema: z.string() } } } },
})

const description = createRoute({
  method: 'get',
  path: '/v1/openapi.json',
  summary: 'This description; no token needed',
  responses: { 200: { description: 'OpenAPI 3.1' } },
})

const ABOUT = {
  openapi: '3.1.0',
  info: { title: 'Purser admin API', version: '1', description: 'Sessions, payments, receipts and the kill switch of the paying proxy.' },
}

/** @param files the built console; without it the bare address shows the ways on */
export function registerStart(app: AdminApp, files?: ConsoleFiles): void {
  app.openapi(page, (context) => (files ? consolePage(context, files) : context.html(PAGE, 200)))
  app.openapi(links, (context) => context.html(PAGE, 200))
  if (files) registerConsoleAssets(app, files)
  app.openapi(description, (context) => context.json(app.getOpenAPI31Document(ABOUT), 200))
}
