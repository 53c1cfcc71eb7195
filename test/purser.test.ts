import { expect, it } from 'vitest'
import * as purser from '../src/purser.ts'

it('importers get the app, the library, the middleware, the configuration and the errors, and nothing else', () => {
  expect(Object.keys(purser).sort()).toEqual([
    'ConfigError',
    'PaidDispatcher',
    'PurserError',
    'configure',
    'createPaidFetch',
    'loadConfig',
    'paidDispatcher',
    'startApp',
  ])
})
