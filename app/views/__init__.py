"""The pages, each a script that Streamlit runs from top to bottom on every click; the steps of a long one are apart."""
