//! Which version of a definition is meant by a range.

use semver::{Version, VersionReq};

/// The highest version that a range matches. A pre-release meets no plain range; without a range it
/// is taken when there is nothing else to take.
///
/// ```
/// use taskmill::versions::newest;
/// let versions = ["1.0.0", "1.2.0", "2.0.0-beta"].map(|text| text.parse().unwrap());
/// assert_eq!(newest(&versions, None), Some(&versions[1]));
/// assert_eq!(newest(&versions, Some(&"~1.0".parse().unwrap())), Some(&versions[0]));
/// assert_eq!(newest(&versions[2..], None), Some(&versions[2]));
/// ```
#[must_use]
pub fn newest<'v>(
    versions: impl IntoIterator<Item = &'v Version>,
    range: Option<&VersionReq>,
) -> Option<&'v Version> {
    let any = VersionReq::STAR;
    let range = range.unwrap_or(&any);
    let (stable, others): (Vec<_>, Vec<_>) = versions
        .into_iter()
        .partition(|version| range.matches(version));
    let fallback = || (*range == any).then(|| others.into_iter().max()).flatten();
    stable.into_iter().max().or_else(fallback)
}
