import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pathShape } from '../../src/session/path-shape.ts'

describe('pathShape', () => {
  it.each([
    ['/v1/search', '/v1/search'],
    ['/v1/search/', '/v1/search'],
    ['//v1//search', '/v1/search'],
    ['/', '/'],
    ['', '/'],
    ['/orders/8812/lines?page=2', '/orders/*/lines'],
    ['/days/2026-06-29/report', '/days/*/report'],
    ['/jobs/3f2504e0-4f89-11d3-9a0c-0305e82c3301', '/jobs/*'],
    ['/tx/0xAbCdef0123456789', '/tx/*'],
    ['/blobs/eyJhbGciOiJFZERTQSJ9xyz', '/blobs/*'],
    ['/deadbeef', '/deadbeef'],
    ['/an-article-about-many-things', '/an-article-about-many-things'],
    ['/gpt-4/embeddings', '/gpt-4/embeddings'],
  ])('%s has the shape %s', (path, shape) => {
    expect(pathShape(path)).toBe(shape)
  })

  it('numbers make no difference, and a shape is its own', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (a, b) => {
        expect(pathShape(`/orders/${a}`)).toBe(pathShape(`/orders/${b}`))
      }),
    )
    fc.assert(
      fc.property(
        fc.array(fc.string(), { maxLength: 5 }).map((parts) => parts.join('/')),
        (path) => pathShape(pathShape(path)) === pathShape(path),
      ),
    )
  })
})
