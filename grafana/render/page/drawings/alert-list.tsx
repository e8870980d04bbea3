/** A list of alerts: state, name, the labels that tell one from another. */
import type { DrawingProps } from './drawing.js';

/** Labels that every alert of a picture has. */
const NOT_TELLING = ['job', 'instance', 'severity'];

export function AlertList({ alerts, theme, width, height }: DrawingProps) {
  const { colors } = theme;
  const shown = { firing: colors.error.text, pending: colors.warning.text };
  if (alerts.length === 0) {
    return <p style={{ textAlign: 'center', lineHeight: `${height}px` }}>No alerts matching filters</p>;
  }
  return (
    <ol style={{ listStyle: 'none', margin: 0, width, height, overflow: 'hidden' }}>
      {alerts.map(({ name, severity, state, labels }) => (
        <li
          key={`${name} ${JSON.stringify(labels)}`}
          style={{
            background: colors.background.secondary,
            borderRadius: 2,
            padding: '6px 10px',
            marginBottom: 4,
          }}
        >
          <div style={{ fontWeight: 500 }}>{name}</div>
          <div style={{ fontSize: 12 }}>
            <span style={{ color: shown[state] }}>{state}</span>, {severity}
            <span style={{ color: colors.text.secondary }}>
              {' '}
              {Object.entries(labels)
                .filter(([label, value]) => !NOT_TELLING.includes(label) && value !== '')
                .map(([label, value]) => `${label}=${value}`)
                .join(' ')}
            </span>
          </div>
        </li>
      ))}
    </ol>
  );
}
