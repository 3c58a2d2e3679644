"""Logo and icon."""

_MARK = (
    '<circle cx="20" cy="20" r="17" fill="none" stroke="#24508f" stroke-width="2.6" stroke-dasharray="5 3.6"/>'
    '<circle cx="20" cy="16.2" r="6.2" fill="#24508f"/>'
    '<path d="M8.6 31.5c1.6-6.4 6-9.3 11.4-9.3s9.8 2.9 11.4 9.3A17 17 0 0 1 8.6 31.5z" fill="#24508f" opacity=".38"/>'
)
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 196 40" width="196" height="40" role="img" '
    f'aria-label="FaceForget">{_MARK}'
    '<text x="47" y="27.5" font-family="system-ui, -apple-system, Segoe UI, Roboto, Arial, sans-serif" font-size="22" '
    'font-weight="650" fill="#1c2430" letter-spacing="-.3">FaceForget</text></svg>'
)
ICON = f'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">{_MARK}</svg>'.replace(
    "#", "%23"
)
