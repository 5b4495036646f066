/** How far something is, from 0 to 1; null is "unknown, but under way". */

import styles from "./Meter.module.css";

interface Props {
  value: number | null;
  label: string;
}

export function Meter({ value, label }: Props) {
  const percent = value === null ? null : Math.round(Math.min(1, Math.max(0, value)) * 100);
  return (
    <div
      className={styles.meter}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent ?? undefined}
      title={percent === null ? label : `${label}: ${percent} %`}
    >
      <div
        className={styles.bar}
        data-unknown={percent === null || undefined}
        style={{ width: percent === null ? "30%" : `${percent}%` }}
      />
    </div>
  );
}
