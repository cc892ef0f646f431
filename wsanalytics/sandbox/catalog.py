"""Define what WorkSpaces are made from: the bundles and directories of an account in a region."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256

from wsanalytics.bundles import BASE_VOLUMES
from wsanalytics.people import code_of, find_directory
from wsanalytics.sandbox.services.protocol import Members

OFFICES = (0, 1)
"""Each region has two offices with a directory each; the second has maintenance switched on."""
OTHER_VOLUMES = (100, 100)
"""Root and user volume in GiB of the bundles that the price table does not know."""
SYSTEM_NAMES = {
    ("WINDOWS", "included"): "WINDOWS_SERVER_2022",
    ("WINDOWS", "byol"): "WINDOWS_11",
    ("AMAZON_LINUX_2", "included"): "AMAZON_LINUX_2",
    ("UBUNTU", "included"): "UBUNTU_22_04",
}
"""Operating systems as DescribeWorkspaces names them, by price name and licence."""
_COMPUTE_TYPES = (*BASE_VOLUMES, "GRAPHICS_G6_XLARGE")
_WORDS = {"WINDOWS_SERVER_2022": "Windows (Server 2022 based)", "WINDOWS_11": "Windows 11",
          "AMAZON_LINUX_2": "Amazon Linux 2", "UBUNTU_22_04": "Ubuntu 22.04"}
_SINCE = datetime(2024, 5, 14, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One bundle: hardware, operating system and licence, and the volumes it comes with."""

    bundle_id: str
    compute_type: str
    operating_system: str
    license: str

    @property
    def volumes(self) -> tuple[int, int]:
        """Root and user volume in GiB."""
        return BASE_VOLUMES.get(self.compute_type, OTHER_VOLUMES)

    @property
    def system_name(self) -> str:
        """The operating system as DescribeWorkspaces names it."""
        return SYSTEM_NAMES[self.operating_system, self.license]

    def described(self, account: str) -> Members:
        """Return the bundle as DescribeWorkspaceBundles answers it.

        BYOL ones belong to the *account*.
        """
        words = self.compute_type.replace("_", " ").title()
        is_own = self.license == "byol"
        system = _WORDS[self.system_name]
        root, user = self.volumes
        return {
            "BundleId": self.bundle_id,
            "Name": f"{words} with {system}{' (BYOL)' if is_own else ''}",
            "Owner": account if is_own else "AMAZON",
            "Description": f"{words}, {system}, {root} GB root, {user} GB user"
            f"{', from an own image' if is_own else ''}",
            "ImageId": f"wsi-{code_of(self.bundle_id)}",
            "RootStorage": {"Capacity": str(root)},
            "UserStorage": {"Capacity": str(user)},
            "ComputeType": {"Name": self.compute_type},
            "LastUpdatedTime": _SINCE,
            "CreationTime": _SINCE,
            "State": "AVAILABLE",
            "BundleType": "REGULAR",
        }


@cache
def bundles() -> dict[str, Bundle]:
    """Return every bundle there is, by its id, in the order of the ids."""
    all_bundles = []
    for compute_type in _COMPUTE_TYPES:
        is_for_windows = compute_type.startswith("GRAPHICS")
        for system, license_ in SYSTEM_NAMES:
            if is_for_windows and (system, license_) != ("WINDOWS", "included"):
                continue
            code = code_of(f"{compute_type}/{system}/{license_}")
            all_bundles.append(Bundle(bundle_id=f"wsb-{code}", compute_type=compute_type,
                               operating_system=system, license=license_))
    return {
        bundle.bundle_id: bundle
        for bundle in sorted(all_bundles, key=lambda bundle: bundle.bundle_id)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """One directory; *dedicated* ones hold desktops whose licence the account brings itself."""

    directory_id: str
    name: str
    maintenance_enabled: bool
    dedicated: bool

    def described(self, account: str) -> Members:
        """Return the directory as DescribeWorkspaceDirectories answers it."""
        return {
            "DirectoryId": self.directory_id,
            "Alias": self.directory_id,
            "DirectoryName": f"{self.name}.example.com",
            "RegistrationCode": f"SLiad+{code_of(self.directory_id)[:6].upper()}",
            "SubnetIds": [subnet_of(self.directory_id, index) for index in (0, 1)],
            "DnsIpAddresses": ["10.0.0.11", "10.0.1.11"],
            "CustomerUserName": "Administrator",
            "IamRoleId": f"arn:aws:iam::{account}:role/workspaces_DefaultRole",
            "DirectoryType": "SIMPLE_AD",
            "WorkspaceSecurityGroupId": f"sg-{_hex(self.directory_id)}",
            "State": "REGISTERED",
            "WorkspaceCreationProperties": {
                "EnableInternetAccess": False,
                "UserEnabledAsLocalAdministrator": False,
                "EnableMaintenanceMode": self.maintenance_enabled,
            },
            "Tenancy": "DEDICATED" if self.dedicated else "SHARED",
            "WorkspaceType": "PERSONAL",
        }


def directories(account: str, region: str) -> dict[str, Directory]:
    """Return the directories of an account in a region, by their ids, in the order of the ids."""
    all_directories = [
        Directory(directory_id=directory_of(account, find_directory(region, office)),
                  name=f"{region}-office-{office + 1}", maintenance_enabled=office == 1,
                  dedicated=False)
        for office in OFFICES
    ]
    all_directories.append(
        Directory(directory_id=own_license_directory(account, region),
                  name=f"{region}-own-licences", maintenance_enabled=False, dedicated=True)
    )
    return {directory.directory_id: directory
            for directory in sorted(all_directories, key=lambda directory: directory.directory_id)}


def directory_of(account: str, directory_id: str) -> str:
    """Return the id that a directory of the invented people has in one *account*."""
    return f"d-9{sha256(f'{account}/{directory_id}'.encode()).hexdigest()[:9]}"


def own_license_directory(account: str, region: str) -> str:
    """Return the id of the directory for desktops with a licence of the account's own."""
    return directory_of(account, find_directory(region, len(OFFICES)))


def subnet_of(directory_id: str, index: int) -> str:
    """One of the two subnets of a directory."""
    return f"subnet-{_hex(f'{directory_id}/{index}')}"


def _hex(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:17]
