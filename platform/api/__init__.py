"""The API for programs: `/api/v1`, its tokens and limits."""
