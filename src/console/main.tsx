// Before all that looks at the language.
import './language.tsx'
import { render } from 'preact'
import './style.css'
import './style-pages.css'
import { Console } from './shell.tsx'

const place = document.getElementById('console')
if (place) render(<Console />, place)
