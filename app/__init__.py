"""The browser app: thin Streamlit pages over the same functions as the command line."""
