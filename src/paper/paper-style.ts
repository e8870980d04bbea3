/** The style sheet of papers: quiet on a screen, and laid out for A4. */
import { COLOURS } from './drawing.js';

export const PAPER_STYLE = `
:root { color-scheme: light; --line: #d4d9df; --soft: #f4f6f8;
  ${Object.entries(COLOURS)
    .map(([name, colour]) => `--${name}: ${colour};`)
    .join(' ')} }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff;
  font: 15px/1.5 system-ui, "Segoe UI", "Liberation Sans", "DejaVu Sans", sans-serif; }
main, footer { max-width: 46rem; margin: 0 auto; padding: 0 1.25rem; }
.wide main, .wide footer { max-width: 60rem; }
main { padding-top: 2rem; }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line); }
h3 { font-size: .82rem; margin: 0 0 .2rem; color: var(--quiet); font-weight: 600; }
p { margin: .4rem 0; }
ul { margin: .4rem 0; padding-left: 1.2rem; }
li { margin: .3rem 0; }
.verdict { margin: 0 0 1rem; padding: .8rem 1rem; border-left: 6px solid var(--open); background: #fdf6e3; font-size: 1.05rem; }
.verdict strong { color: var(--open); }
.verdict.good { border-color: var(--good); background: #edf7f0; }
.verdict.good strong { color: var(--good); }
.verdict.bad { border-color: var(--bad); background: #fcefee; }
.verdict.bad strong { color: var(--bad); }
.warning { color: var(--open); font-weight: 600; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .5rem 1.25rem; margin: 0; }
.facts dt { font-size: .78rem; color: var(--quiet); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.small, .sub, figcaption { font-size: .85rem; color: var(--quiet); }
.sub { display: block; font-weight: 400; }
table { width: 100%; border-collapse: collapse; font-size: .88rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line); }
thead th { font-size: .78rem; color: var(--quiet); font-weight: 600; }
tbody th { font-weight: 600; }
tbody th:has(.sub) { width: 34%; }
tr:has(td.n) > th { min-width: 5em; }
thead th:last-child { white-space: nowrap; }
tfoot td, tfoot th { font-weight: 600; border-top: 2px solid var(--line); }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.bad, tr.bad td { color: var(--bad); }
tr.quiet td { color: var(--quiet); }
.tag { display: inline-block; padding: 0 .45rem; border: 1px solid var(--line); border-radius: .3rem; background: var(--soft);
  font-size: .78rem; white-space: nowrap; color: var(--quiet); }
.tag.good { color: var(--good); border-color: currentColor; background: #fff; }
.tag.bad { color: var(--bad); border-color: currentColor; background: #fff; }
.dense { font-size: .76rem; font-variant-numeric: tabular-nums; }
.dense td { padding: .16rem .6rem .16rem 0; overflow-wrap: anywhere; }
.dense td:first-child, .dense td:nth-child(2) { white-space: nowrap; }
code, pre { font-family: ui-monospace, "Liberation Mono", "DejaVu Sans Mono", monospace; }
pre { margin: 0; padding: .5rem .7rem; background: var(--soft); border: 1px solid var(--line); border-radius: .3rem;
  font-size: .78rem; line-height: 1.45; overflow-x: auto; }
.snippets { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: .8rem 1rem; }
figure { margin: .5rem 0; }
figure svg { max-width: 100%; height: auto; display: block; }
.key { font-weight: 700; margin-left: .5rem; }
.key:first-child { margin-left: 0; }
.key.good { color: var(--good); }
.key.bad { color: var(--bad); }
.key.pale { color: var(--pale); }
.quote { border-left: 3px solid var(--line); padding-left: .9rem; }
blockquote { margin: 0; }
.ask { border: 1px solid var(--ink); border-radius: .4rem; padding: .2rem 1rem .6rem; margin-top: 1.5rem; }
.ask h2 { margin-top: .6rem; border: 0; padding: 0; }
footer { margin-top: 2rem; padding-bottom: 2rem; font-size: .8rem; color: var(--quiet); }
section, header, .scroll { overflow-x: auto; }
.document { overflow-wrap: break-word; }
.document > nav { max-width: 46rem; margin: 0 auto; padding: 1rem 1.25rem 0; font-size: .88rem; }
.document blockquote { border-left: 3px solid var(--line); padding-left: .9rem; }
.document main { padding-bottom: 2rem; }
.document .contents { margin-top: 2rem; font-size: .88rem; }
form { max-width: 46rem; margin: 1rem auto 0; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: .4rem;
  background: var(--soft); font-size: .88rem; }
form p { margin: .3rem 0; color: var(--quiet); }
form .fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr)); gap: .5rem 1rem; }
form label { display: block; }
form input:not([type=checkbox]) { display: block; width: 100%; font: inherit; padding: .25rem .4rem; }
form button { font: inherit; margin: .4rem .3rem 0 0; padding: .2rem .7rem; }
@media print {
  @page { size: A4; margin: 16mm 15mm 18mm; }
  html { font-size: 9.4pt; }
  body { font-size: 9.4pt; line-height: 1.4; }
  h1 { font-size: 16pt; }
  h2 { margin-top: 1.2rem; }
  .dense { font-size: 7.4pt; line-height: 1.25; }
  .dense td { padding-block: .08rem; }
  tbody th:has(.sub) { width: 40%; }
  main, .wide main, footer, .wide footer { max-width: none; padding: 0; }
  section, header { overflow: visible; }
  form { display: none; }
  .new-page { break-before: page; }
  .new-page > h2 { margin-top: 0; }
  h2, h3, h2 + .small:has(+ table) { break-after: avoid; }
  tr, .ask, .quote, figure, .snippets > div, .verdict { break-inside: avoid; }
  thead { display: table-header-group; }
  .snippets { grid-template-columns: 1fr 1fr; }
  pre { white-space: pre-wrap; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  a { color: inherit; text-decoration: none; }
  .quote figcaption a::after { content: " (" attr(href) ")"; }
}
`;
