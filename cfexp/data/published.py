"""Formats, scales and hashes of the MovieLens datasets published by GroupLens."""

WHOLE_STARS, HALF_STARS = (1.0, 5.0), (0.5, 5.0)
# Format, scale and SHA-256 of the zip file of each dataset.
PUBLISHED: dict[str, tuple[str, tuple[float, float], str]] = {
    "ml-100k": (
        "tab",
        WHOLE_STARS,
        "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
    ),
    "ml-1m": (
        "dat",
        WHOLE_STARS,
        "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
    ),
    "ml-10m": (
        "dat",
        HALF_STARS,
        "813c411ccb6122564edfe752e7f80c4dcc5aa25fa94c93622f6877a7ba252862",
    ),
    "ml-25m": (
        "csv",
        HALF_STARS,
        "8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa",
    ),
    "ml-32m": (
        "csv",
        HALF_STARS,
        "e4a68655d7386b8f95f2f2424b2ff975dfdd15ffd59e0d864a14dca43e99d6ee",
    ),
    "ml-latest-small": (
        "csv",
        HALF_STARS,
        "696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
    ),
}
