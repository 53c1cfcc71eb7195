import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { htmlPage } from '../../src/admin/html-page.ts'

const app = new Hono().get('/', (context) => htmlPage(context, { status: 409, title: '<b>No</b>', paragraphs: ['a & "b"'], more: '<hr>' }))

describe('a page', () => {
  it('shows titles and paragraphs as plain text, and the rest as it is', async () => {
    const answer = await app.request('/')
    const html = await answer.text()
    expect([answer.status, answer.headers.get('content-type')]).toEqual([409, 'text/html; charset=utf-8'])
    expect(html).toContain('<h1>&#60;b&#62;No&#60;/b&#62;</h1>')
    expect(html).toContain('<p>a &#38; &#34;b&#34;</p>')
    expect(html).toContain('<hr>')
  })

  it('runs no scripts, loads nothing, is never framed, and sends its forms to its own listener', async () => {
    const policy = (await app.request('/')).headers.get('content-security-policy') ?? ''
    for (const rule of ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"])
      expect(policy).toContain(rule)
    expect(policy).not.toContain('unsafe')
  })
})
